package app

import (
	"context"
	"fmt"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/app/obstacle"
	"bestow/app/patch"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// defaultPartitions is the partition_count of an event that names none.
const defaultPartitions = 4

// EventPatch changes what an operator has said of an event.
type EventPatch struct {
	CampaignID          patch.Change[string]
	Name                patch.Change[string]
	EventType           patch.Change[string]
	DefaultReason       patch.Change[string]
	DefaultAmount       patch.Change[*int64]
	ExpiryAt            patch.Change[*time.Time]
	Partitions          patch.Change[*int]
	ReservationAt       patch.Change[*time.Time]
	ReservationPriority patch.Change[*int]
	Unread              []domain.Field // what the caller could not read at all, to be reported with the rest
}

// applied is the whole definition of e after the patch. Texts are brought to NFC, as those of a new event are.
func (p EventPatch) applied(e domain.Event) NewEvent {
	n := definition(e)
	p.CampaignID.To, p.DefaultReason.To = norm.NFC.String(p.CampaignID.To), norm.NFC.String(p.DefaultReason.To)
	p.Name.To = norm.NFC.String(p.Name.To)
	p.CampaignID.Apply(&n.CampaignID)
	p.Name.Apply(&n.Name)
	p.EventType.Apply(&n.EventType)
	p.DefaultReason.Apply(&n.DefaultReason)
	p.DefaultAmount.Apply(&n.DefaultAmount)
	p.ExpiryAt.Apply(&n.ExpiryAt)
	p.Partitions.Apply(&n.Partitions)
	p.ReservationAt.Apply(&n.ReservationAt)
	p.ReservationPriority.Apply(&n.ReservationPriority)
	if n.Partitions == nil {
		standard := defaultPartitions
		n.Partitions = &standard
	}
	n.Unread = p.Unread
	return n
}

// definition returns what was said of e when it was made, and since.
func definition(e domain.Event) NewEvent {
	n := NewEvent{
		CampaignID:          e.CampaignID,
		Name:                e.Name,
		EventType:           e.Type.Code,
		DefaultReason:       e.DefaultReason,
		ExpiryAt:            e.ExpiryAt,
		Partitions:          &e.Partitions,
		ReservationAt:       e.ReservationAt,
		ReservationPriority: e.ReservationPriority,
	}
	if e.DefaultAmount != 0 {
		n.DefaultAmount = &e.DefaultAmount
	}
	return n
}

// Edit changes the definition of an event that is PENDING. match sees the event that is about to be changed, and
// refuses it if it is not the one that the caller has read. Errors: domain.NotFound, WrongStatus, match's, Invalid with
// every offending field, CampaignTaken, MissingKeys, ImportRunning for what a running import depends on, AmountInUse,
// and those of a key.
func (s *Events) Edit(ctx context.Context, by command.Caller, id int64, p EventPatch,
	match func(domain.Event) error,
) (command.Answer[domain.Event], error) {
	answer, err := command.Run(ctx, s.pool, by, command.Command[domain.Event]{
		Before: failpoint.EditBeforeCommit, After: failpoint.EditAfterCommit,
		Do: func(tx pgx.Tx) (domain.Event, error) { return s.edit(ctx, tx, by, id, p, match) },
	})
	if pg.Violates(err, campaignKey) { // another event took it a moment ago
		err = s.campaignTaken(ctx, norm.NFC.String(p.CampaignID.To))
	}
	return answer, err
}

func (s *Events) edit(ctx context.Context, tx pgx.Tx, by command.Caller, id int64, p EventPatch,
	match func(domain.Event) error,
) (domain.Event, error) {
	e, err := lockPending(ctx, tx, id, "edited")
	if err != nil {
		return e, err
	}
	if err := match(e); err != nil {
		return e, err
	}
	n := p.applied(e)
	if err := s.mayBecome(ctx, tx, e, n); err != nil {
		return e, err
	}
	if err := updateDefinition(ctx, tx, id, n); err != nil {
		return e, err
	}
	after, err := eventrow.Select(ctx, tx, id)
	if err != nil {
		return after, err
	}
	return after, command.Record(ctx, tx, by, command.Change{
		Action: "event.edit", EventID: id, Before: factsOf(e), After: factsOf(after),
	})
}

// lockPending enters the gate of an event and refuses one that has begun. done names the change, for the error.
func lockPending(ctx context.Context, tx pgx.Tx, id int64, done string) (domain.Event, error) {
	if err := pg.Lock(ctx, tx, pg.Gate, id); err != nil {
		return domain.Event{}, err
	}
	e, err := eventrow.Select(ctx, tx, id)
	if err == nil && (e.Status != domain.Pending || e.Summary.StartedAt != nil) {
		err = domain.WrongStatusError(
			e.Status,
			"the event is "+string(e.Status)+", so it cannot be "+done+" any more",
			"only a PENDING event can be "+done,
		)
	}
	return e, err
}

// frozen are the fields that the event's targets do not let change: they stand in the tables of its type, spread over
// its partitions, and were cut into messages with its reason.
func frozen(e domain.Event, n NewEvent) (f domain.Faults) {
	if e.TotalCount == 0 {
		return nil
	}
	if *n.Partitions != e.Partitions {
		f.Add("partition_count", "cannot change once the event has targets")
	}
	if n.EventType != e.Type.Code {
		f.Add("event_type", "cannot change once the event has targets")
	}
	if domain.GrantSize("", n.DefaultReason) > domain.GrantSize("", e.DefaultReason) {
		f.Add("default_reason", "cannot become longer once the event has targets, whose messages were cut to its size")
	}
	return f
}

// mayBecome refuses a definition that cannot be, or that the event's targets do not allow any more.
func (s *Events) mayBecome(ctx context.Context, tx pgx.Tx, e domain.Event, n NewEvent) error {
	types, err := eventrow.ReadyTypes(ctx, tx)
	if err != nil {
		return err
	}
	types[e.Type.Code] = e.Type // it may be retired since
	now, err := pg.Now(ctx, tx)
	if err != nil {
		return err
	}
	making, err := whyNotReady(ctx, tx, n.EventType, types)
	if err != nil {
		return err
	}
	n.Unread = append(n.Unread, frozen(e, n)...)
	if err := n.check(conditions{types: types, making: making, rule: s.rules.Ledger, now: now, before: &e}); err != nil {
		return err
	}
	if !s.rules.SealsPINs && types[n.EventType].Operation == domain.Vouchers {
		return obstacle.MissingKeys()
	}
	if n.CampaignID != e.CampaignID {
		if err := checkCampaignFree(ctx, tx, n.CampaignID); err != nil {
			return err
		}
	}
	if err := mayChangeBesideImport(ctx, tx, e, n); err != nil {
		return err
	}
	return mayChangeAmount(ctx, tx, e, n)
}

// mayChangeAmount refuses another default_amount once rows have taken the one that the event has: they keep it.
func mayChangeAmount(ctx context.Context, tx pgx.Tx, e domain.Event, n NewEvent) error {
	if e.DefaultAmount == 0 || n.amount() == e.DefaultAmount || e.TotalCount == 0 {
		return nil
	}
	rows, exact, err := countDefaulted(ctx, tx, e)
	if err != nil || rows == 0 {
		return err
	}
	took := fmt.Sprintf("%s took the default_amount %d", english.Count(rows, "imported row"), e.DefaultAmount)
	if !exact {
		took = fmt.Sprintf("up to %s took the default_amount %d: of some imports only the amounts are known",
			english.Count(rows, "imported row"), e.DefaultAmount)
	}
	return domain.AmountInUseError(rows, took)
}

// mayChangeBesideImport refuses to change under a running import what its rows are made by. The lock is held until tx
// ends, so that none begins with the old definition.
func mayChangeBesideImport(ctx context.Context, tx pgx.Tx, e domain.Event, n NewEvent) error {
	if n.EventType == e.Type.Code && *n.Partitions == e.Partitions && n.amount() == e.DefaultAmount &&
		n.DefaultReason == e.DefaultReason {
		return nil
	}
	return lockOutImports(ctx, tx, e.ID)
}

func lockOutImports(ctx context.Context, tx pgx.Tx, id int64) error {
	free, err := pg.TryLockShared(ctx, tx, pg.Import, id)
	if err == nil && !free {
		err = domain.ImportRunningError("an import of this event is under way", "wait until it is done")
	}
	return err
}

// Delete removes an event that was never started, with its targets, uploads and jobs. match is Edit's. The event's
// campaign_id is free again. The key that made it answers domain.Undone from then on. replayed reports whether an
// earlier request of by's key deleted it. Errors: domain.NotFound, WrongStatus, ImportRunning, match's, and those of a
// key.
func (s *Events) Delete(ctx context.Context, by command.Caller, id int64, match func(domain.Event) error,
) (replayed bool, err error) {
	answer, err := command.Run(ctx, s.pool, by, command.Command[struct{}]{
		Before: failpoint.DeleteBeforeCommit, After: failpoint.DeleteAfterCommit,
		Do: func(tx pgx.Tx) (struct{}, error) { return struct{}{}, s.deleteEvent(ctx, tx, by, id, match) },
	})
	if err != nil {
		return false, err
	}
	if err := s.Tidy(ctx); err != nil { // the event is deleted, and the timetable tidies too
		s.log.WarnContext(ctx, "partition not dropped", obs.EventID, id, obs.Err, err)
	}
	return answer.Replayed, nil
}

func (s *Events) deleteEvent(ctx context.Context, tx pgx.Tx, by command.Caller, id int64,
	match func(domain.Event) error,
) error {
	if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil { // a million targets take seconds
		return fmt.Errorf("set up deletion: %w", err)
	}
	e, err := lockPending(ctx, tx, id, "deleted")
	if err != nil {
		return err
	}
	if err := match(e); err != nil {
		return err
	}
	if err := lockOutImports(ctx, tx, id); err != nil {
		return err
	}
	if err := deleteTargets(ctx, tx, e); err != nil {
		return err
	}
	if err := outbox.Discard(ctx, tx, id); err != nil {
		return err
	}
	if err := recordDeletion(ctx, tx, e, by.Actor); err != nil {
		return err
	}
	if err := command.Record(ctx, tx, by, command.Change{
		Action: "event.delete", EventID: id, Before: factsOf(e),
	}); err != nil {
		return err
	}
	return deletePending(ctx, tx, id)
}
