package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/app/listkey"
	"bestow/app/obstacle"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// Events is the life of an event.
type Events struct {
	pool        *pgxpool.Pool
	river       *river.Client[pgx.Tx]
	keys        listkey.Keys
	rules       obstacle.Rules
	log         *slog.Logger
	relayChunks int
	drainWait   time.Duration // how long a stop waits for open claims: as long as one lasts, or more
}

// NewEvent holds what an operator says of an event to be made. Zero values stand for "not said".
type NewEvent struct {
	CampaignID          string
	Name                string
	EventType           string
	DefaultReason       string
	DefaultAmount       *int64
	ExpiryAt            *time.Time
	Partitions          *int
	ReservationAt       *time.Time
	ReservationPriority *int
	Unread              []domain.Field // what the caller could not read at all, to be reported with the rest
}

// amount is the default amount, 0 for none.
func (n NewEvent) amount() int64 {
	if n.DefaultAmount == nil {
		return 0
	}
	return *n.DefaultAmount
}

// Create makes an event with its summary, PENDING, in one transaction that also keeps the answer for by's idempotency
// key. Errors: domain.Invalid with every offending field, domain.CampaignTaken, domain.MissingKeys, and those of a key.
func (s *Events) Create(ctx context.Context, by command.Caller, n NewEvent) (command.Answer[domain.Event], error) {
	n = n.normal()
	made, err := command.Run(ctx, s.pool, by, command.Command[domain.Event]{
		Before: failpoint.CreateBeforeCommit, After: failpoint.CreateAfterCommit,
		Do: func(tx pgx.Tx) (domain.Event, error) { return s.createEvent(ctx, tx, by, n) },
	})
	if err == nil && made.Replayed { // it may have been deleted since
		err = s.stillThere(ctx, made.Value.ID)
	}
	if pg.Violates(err, campaignKey) { // another request made it a moment ago
		err = s.campaignTaken(ctx, n.CampaignID)
	}
	return made, err
}

// stillThere returns domain.Undone for an event that was deleted since it was made.
func (s *Events) stillThere(ctx context.Context, id int64) error {
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := eventrow.Select(ctx, tx, id)
		return err
	})
	return command.StillThere(err, fmt.Sprintf("event %d", id))
}

// campaignTaken says who has the campaign_id, after its unique index refused another; it may have been given up since.
func (s *Events) campaignTaken(ctx context.Context, campaignID string) error {
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return checkCampaignFree(ctx, tx, campaignID) })
	if err == nil {
		err = domain.UnavailableError("another event had the campaign_id until a moment ago", "ask again")
	}
	return err
}

func (s *Events) createEvent(ctx context.Context, tx pgx.Tx, by command.Caller, n NewEvent) (domain.Event, error) {
	types, err := eventrow.ReadyTypes(ctx, tx)
	if err != nil {
		return domain.Event{}, err
	}
	now, err := pg.Now(ctx, tx)
	if err != nil {
		return domain.Event{}, err
	}
	making, err := whyNotReady(ctx, tx, n.EventType, types)
	if err != nil {
		return domain.Event{}, err
	}
	if err := n.check(conditions{types: types, making: making, rule: s.rules.Ledger, now: now}); err != nil {
		return domain.Event{}, err
	}
	if !s.rules.SealsPINs && types[n.EventType].Operation == domain.Vouchers {
		return domain.Event{}, obstacle.MissingKeys()
	}
	if err := checkCampaignFree(ctx, tx, n.CampaignID); err != nil {
		return domain.Event{}, err
	}
	id, err := insertEvent(ctx, tx, by.Actor, n)
	if err != nil {
		return domain.Event{}, err
	}
	e, err := eventrow.Select(ctx, tx, id)
	if err != nil {
		return e, err
	}
	return e, command.Record(ctx, tx, by, command.Change{Action: "event.create", EventID: id, After: factsOf(e)})
}

// Get returns one event. Error: domain.NotFound.
func (s *Events) Get(ctx context.Context, id int64) (domain.Event, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait,
		func(tx pgx.Tx) (domain.Event, error) { return eventrow.Select(ctx, tx, id) })
}

// List returns the events that f lets through, newest first, at most f.Limit of them.
func (s *Events) List(ctx context.Context, f eventrow.Filter) ([]domain.Event, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait,
		func(tx pgx.Tx) ([]domain.Event, error) { return eventrow.List(ctx, tx, f) })
}

// campaignKey is the constraint that gives a campaign_id to one event only.
const campaignKey = "campaign_events_campaign_id_key"

// checkCampaignFree returns domain.CampaignTaken with the event that has the campaign_id already.
func checkCampaignFree(ctx context.Context, tx pgx.Tx, campaignID string) error {
	var id int64
	err := tx.QueryRow(ctx, `SELECT id FROM campaign_events WHERE campaign_id = $1`, campaignID).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for campaign: %w", err)
	}
	return domain.CampaignTakenError(id)
}

// insertEvent writes an event and its summary and returns the event's id. The id is the next one after the last that
// was kept, not the sequence's: creations go one after another, and one that is rolled back leaves no gap, so that a
// gap is an event that was erased (I42). The sequence is kept in step for a version that still takes its ids from
// there.
func insertEvent(ctx context.Context, tx pgx.Tx, actor string, n NewEvent) (id int64, err error) {
	const event = `WITH next AS (
			UPDATE event_ids SET last_id = greatest(last_id, (SELECT coalesce(max(id), 0) FROM campaign_events)) + 1 RETURNING last_id
		), kept AS (
			SELECT last_id, setval(pg_get_serial_sequence('campaign_events', 'id'), last_id) FROM next
		)
		INSERT INTO campaign_events (id, campaign_id, name, event_type, default_reason, default_amount, expiry_at,
			partition_count, reservation_at, reservation_priority, created_by)
		SELECT last_id, $1, nullif($10, ''), $2, nullif($3, ''), $4::bigint, $5::timestamptz, coalesce($6::int, 4), $7::timestamptz, $8::int, $9
		FROM kept WHERE setval IS NOT NULL RETURNING id`
	err = tx.QueryRow(ctx, event, n.CampaignID, n.EventType, n.DefaultReason, n.DefaultAmount, n.ExpiryAt,
		n.Partitions, n.ReservationAt, n.ReservationPriority, actor, n.Name).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("insert event: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO campaign_event_summary (event_id) VALUES ($1)`, id); err != nil {
		return 0, fmt.Errorf("insert summary: %w", err)
	}
	return id, nil
}
