package outbox

import (
	"context"
	"fmt"
	"sort"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// relayed holds what the relay needs of an event. The type is read with it, never cached.
type relayed struct {
	status        domain.Status
	defaultReason string
	expiryAt      *time.Time
	total         int64     // fixed once it runs
	stoppedAt     time.Time // the last stop; 1970 for none
	eventType     domain.EventType
	braked        bool // a brake holds it
}

func selectRelayed(ctx context.Context, tx pgx.Tx, eventID int64) (e relayed, err error) {
	const query = `SELECT e.event_status, coalesce(e.default_reason, ''), e.expiry_at, e.total_count,
			coalesce(s.stopped_at, 'epoch'), y.code, y.topic,
			EXISTS (SELECT FROM brakes b WHERE b.scope IN ('all', 'type:' || e.event_type))
		FROM campaign_events e JOIN event_types y ON y.code = e.event_type
		JOIN campaign_event_summary s ON s.event_id = e.id WHERE e.id = $1`
	err = tx.QueryRow(ctx, query, eventID).Scan(&e.status, &e.defaultReason, &e.expiryAt, &e.total,
		&e.stoppedAt, &e.eventType.Code, &e.eventType.Topic, &e.braked)
	if err != nil {
		return e, fmt.Errorf("read event %d: %w", eventID, err)
	}
	return e, nil
}

// works reports whether jobs of the mode publish while the event is in its status.
func (e relayed) works(m Mode) bool {
	return e.status == domain.Running || e.status == domain.Completed && m == Redrive
}

// readBatch reads what the job is to publish. It reads nothing if the event does not run, since a resume requeues its
// chunks, and nothing if a brake holds it.
func readBatch(ctx context.Context, tx pgx.Tx, a RelayArgs) (batch, error) {
	e, err := selectRelayed(ctx, tx, a.EventID)
	if err != nil {
		return batch{}, err
	}
	b := batch{eventType: e.eventType, total: e.total, stoppedAt: e.stoppedAt}
	if !e.works(a.Mode) {
		b.asleep = true
		return b, nil
	}
	if b.braked = e.braked; b.braked {
		return b, nil
	}
	chunks, err := selectChunks(ctx, tx, a)
	if err != nil {
		return b, err
	}
	grants, err := selectGrants(ctx, tx, e, a)
	if err != nil {
		return b, err
	}
	for _, c := range chunks {
		from := sort.Search(len(grants), func(i int) bool { return grants[i].TargetID >= c.First })
		to := sort.Search(len(grants), func(i int) bool { return grants[i].TargetID > c.Last })
		if from < to {
			b.messages = append(b.messages,
				Message{Chunk: c, EventType: e.eventType.Code, ExpiryAt: e.expiryAt, Grants: grants[from:to]})
		}
	}
	return b, nil
}

func selectChunks(ctx context.Context, tx pgx.Tx, a RelayArgs) ([]domain.Chunk, error) {
	const query = `SELECT event_id, partition_key, first_id, last_id FROM grant_chunks
		WHERE event_id = $1 AND partition_key = $2 AND first_id BETWEEN $3 AND $4 ORDER BY first_id`
	rows, err := tx.Query(ctx, query, a.EventID, a.PartitionKey, a.FirstID, a.LastID)
	if err != nil {
		return nil, fmt.Errorf("read chunks: %w", err)
	}
	chunks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Chunk])
	if err != nil {
		return nil, fmt.Errorf("read chunks: %w", err)
	}
	return chunks, nil
}

// selectGrants reads the targets of the job's range that its mode names, in the order of their ids.
func selectGrants(ctx context.Context, tx pgx.Tx, e relayed, a RelayArgs) ([]domain.Grant, error) {
	query, args := grantsQuery(e, a)
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read targets: %w", err)
	}
	grants := make([]domain.Grant, 0, a.LastID-a.FirstID+1)
	var g domain.Grant
	_, err = pgx.ForEachRow(rows,
		[]any{&g.TargetID, &g.MemberID, &g.Amount, &g.Reason, &g.Try, &g.Redrive}, func() error {
			grants = append(grants, g)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read targets: %w", err)
	}
	return grants, nil
}

func grantsQuery(e relayed, a RelayArgs) (query string, args []any) {
	targets := pgx.Identifier{e.eventType.TargetTable()}.Sanitize()
	results := pgx.Identifier{e.eventType.ResultTable()}.Sanitize()
	args = []any{a.EventID, a.PartitionKey, a.FirstID, a.LastID, e.defaultReason}
	if a.Mode == First {
		return `SELECT t.id, t.member_id, t.amount, coalesce(t.reason, $5), 0, 0 FROM ` + targets + ` t
			WHERE t.event_id = $1 AND t.partition_key = $2 AND t.id BETWEEN $3 AND $4
			  AND t.publish_status = 'PENDING' ORDER BY t.id`, args
	}
	redrive, which := "0", ""
	switch a.Mode {
	case First: // above
	case Republish:
		which = `t.publish_status = 'PUBLISHED' AND coalesce(r.status, 'PENDING') = 'PENDING'`
	case Unsettled:
		which = `t.publish_status = 'PUBLISHED'
			AND coalesce(r.status, 'PENDING') NOT IN ('SUCCESS', 'PERMANENTLY_FAILED')`
	case Retry:
		which = `r.status = 'FAILED' AND r.retry_count = $6`
		args = append(args, a.Try)
	case Redrive:
		which = `r.status = 'PERMANENTLY_FAILED' AND r.redrive_done < r.redrive`
		redrive = "r.redrive"
	}
	// The result of each target is looked up by its key: a join would be planned from statistics that lack a new event.
	return `SELECT t.id, t.member_id, t.amount, coalesce(t.reason, $5), coalesce(r.retry_count, 0), ` + redrive +
		` FROM ` + targets + ` t
		LEFT JOIN LATERAL (SELECT status, retry_count, redrive, redrive_done FROM ` + results + `
		                   WHERE event_id = $1 AND member_id = t.member_id LIMIT 1) r ON true
		WHERE t.event_id = $1 AND t.partition_key = $2 AND t.id BETWEEN $3 AND $4 AND ` + which + ` ORDER BY t.id`, args
}

// markPublished marks the job's targets, notes when its chunks were published, and adds the number of changed rows to
// the summary. The summary comes last because every chunk of the event updates the same row. last reports whether all
// targets are now published and settled.
func markPublished(ctx context.Context, tx pgx.Tx, b batch, a RelayArgs) (last bool, err error) {
	var marked int64
	if a.Mode == First {
		tag, err := tx.Exec(ctx, `UPDATE `+pgx.Identifier{b.eventType.TargetTable()}.Sanitize()+
			` SET publish_status = 'PUBLISHED', updated_at = now()
			WHERE event_id = $1 AND partition_key = $2 AND id BETWEEN $3 AND $4 AND publish_status = 'PENDING'`,
			a.EventID, a.PartitionKey, a.FirstID, a.LastID)
		if err != nil {
			return false, fmt.Errorf("mark targets: %w", err)
		}
		marked = tag.RowsAffected()
	}
	chunks := `UPDATE grant_chunks SET published_at = now(), updated_at = now()
		WHERE event_id = $1 AND partition_key = $2 AND first_id BETWEEN $3 AND $4`
	if a.Mode != First { // the sweep must still find a chunk whose first publication was never marked
		chunks += ` AND published_at IS NOT NULL`
	}
	if _, err := tx.Exec(ctx, chunks, a.EventID, a.PartitionKey, a.FirstID, a.LastID); err != nil {
		return false, fmt.Errorf("mark chunks: %w", err)
	}
	if marked == 0 {
		return false, nil
	}
	const summary = `UPDATE campaign_event_summary SET published_count = published_count + $2, updated_at = now()
		WHERE event_id = $1
		RETURNING published_count, success_count + fail_count`
	var published, final int64
	if err := tx.QueryRow(ctx, summary, a.EventID, marked).Scan(&published, &final); err != nil {
		return false, fmt.Errorf("count published: %w", err)
	}
	return published == b.total && final == b.total, nil
}
