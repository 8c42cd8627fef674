package reports

import (
	"context"
	"errors"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// VerifyArgs names the event that a job verifies. Kind and names are wire format. The job's metadata say who asked.
type VerifyArgs struct {
	EventID int64 `json:"event_id"`
}

// Kind is wire format.
func (VerifyArgs) Kind() string { return "verify" }

// Asker is the metadata of a verify job.
type Asker struct {
	By string `json:"by"`
}

// Verification is a report that was asked for and is not made yet. Its times are the database's.
type Verification struct {
	EventID int64
	By      string // who asked first
	AskedAt time.Time
	Since   *time.Time // since when it is made; nil while it waits
}

// KeptReport is the last report on an event, as it was made.
type KeptReport struct {
	Document []byte        // the JSON of a verify.Report, byte for byte what its SHA256 is of
	UnderWay *Verification // the next one, if it was asked for; nil for none
	Stale    bool          // the event has changed since it was made
}

// RequestReport requests a report on an event, which a process with the role jobs makes. While one waits, that one is
// the answer: any number of requests are one job. One that is being made is not: what it compares is older than the
// question. Errors: domain.NotFound, and those of a key.
func (s *Reports) RequestReport(ctx context.Context, by command.Caller, eventID int64,
) (command.Answer[Verification], error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (command.Answer[Verification], error) {
		return command.In(ctx, tx, by,
			func() (Verification, error) { return s.requestReport(ctx, tx, by.Actor, eventID) })
	})
}

// requestReport takes the lock in a statement of its own: a second request that waits for it then sees the first one's
// job.
func (s *Reports) requestReport(ctx context.Context, tx pgx.Tx, actor string, eventID int64) (Verification, error) {
	if err := pg.Lock(ctx, tx, pg.ReportRequest, eventID); err != nil {
		return Verification{}, err
	}
	if _, err := eventrow.Select(ctx, tx, eventID); err != nil {
		return Verification{}, err
	}
	v, err := selectWaiting(ctx, tx, eventID)
	if err == nil && v == nil {
		if err = s.insertVerification(ctx, tx, actor, eventID); err == nil {
			v, err = selectWaiting(ctx, tx, eventID)
		}
	}
	if err != nil || v == nil { // nil: a process was quicker to begin it
		return Verification{EventID: eventID, By: actor}, err
	}
	return *v, nil
}

// LastReport returns the last report on an event, and whether another one is under way. Errors: domain.NotFound for no
// such event; where there is no report, ReportUnderWay while the first one is made, and NoReport otherwise.
func (s *Reports) LastReport(ctx context.Context, eventID int64) (KeptReport, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (r KeptReport, err error) {
		if _, err := eventrow.Select(ctx, tx, eventID); err != nil {
			return r, err
		}
		// The job first: it ends after its report is committed, so what is not under way any more is seen.
		if r.UnderWay, err = selectVerification(ctx, tx, eventID); err != nil {
			return r, err
		}
		r.Document, r.Stale, err = selectReport(ctx, tx, eventID)
		if errors.Is(err, pgx.ErrNoRows) {
			return r, noReport(eventID, r.UnderWay)
		}
		return r, err
	})
}

// noReport says that an event has no report, and what to do.
func noReport(eventID int64, underWay *Verification) error {
	if underWay == nil {
		return domain.NoReportError(eventID)
	}
	state := "was asked for at " + underWay.AskedAt.UTC().Format(time.RFC3339) + " and waits"
	if underWay.Since != nil {
		state = "is being made since " + underWay.Since.UTC().Format(time.RFC3339)
	}
	return domain.ReportUnderWayError(eventID, state)
}

// RescueVerifications lets the verifications run again whose process is gone: River itself waits until the longest one
// would be over. It returns how many there were.
func (s *Reports) RescueVerifications(ctx context.Context) (rescued int, err error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (int, error) { return rescueVerifications(ctx, tx) })
}
