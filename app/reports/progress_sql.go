package reports

import (
	"context"
	"fmt"
	"time"

	"bestow/domain"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// rateWindow says how far back the rate looks.
const rateWindow = 10 * time.Second

// openResults counts what is not SUCCESS, from the partial index that holds nothing else.
func openResults(table string) string {
	return `SELECT status, coalesce(error_code, 'unknown'), count(*), count(*) FILTER (WHERE redrive_done < redrive) FROM ` + pg.Quoted(table) +
		` WHERE event_id = $1 AND status <> 'SUCCESS' GROUP BY 1, 2`
}

func readOpenResults(ctx context.Context, tx pgx.Tx, p *Progress) error {
	rows, err := tx.Query(ctx, openResults(p.Event.Type.ResultTable()), p.Event.ID)
	if err != nil {
		return fmt.Errorf("count open results: %w", err)
	}
	var (
		status domain.ResultStatus
		code   string
		n      int
		asked  int // of them, those that a person has tried again
	)
	p.Failures = map[string]int{}
	_, err = pgx.ForEachRow(rows, []any{&status, &code, &n, &asked}, func() error {
		switch status {
		case domain.Refused:
			p.WaitingRetry += n
		case domain.ResultPending:
			p.Unknown += n
		case domain.GivenUp:
			p.Failures[code] += n
			p.Redriven += asked
		case domain.ResultNone, domain.Succeeded: // not among them
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count open results: %w", err)
	}
	if p.WaitingRetry == 0 {
		return nil
	}
	return readNextRetry(ctx, tx, p)
}

func readNextRetry(ctx context.Context, tx pgx.Tx, p *Progress) error {
	const query = `SELECT min(scheduled_at), coalesce(min(scheduled_at) < now() - interval '5 seconds', false) FROM river.river_job
		WHERE kind = $1 AND state IN ('available', 'scheduled', 'retryable')
		  AND args @> jsonb_build_object('event_id', $2::bigint, 'mode', $3::text)`
	if err := tx.QueryRow(ctx, query, outbox.RelayKind, p.Event.ID, string(outbox.Retry)).Scan(&p.NextRetryAt,
		&p.retryLate); err != nil {
		return fmt.Errorf("read next retry: %w", err)
	}
	return nil
}

// readChunks counts what handlers hold now and what waits in Kafka, says how long they wait, and returns what was
// settled a second within the rate's window, or since the start if that is less: what chunks have settled that were
// claimed for the first time, or done, within it. A member that is refused for now keeps its chunk from being done
// until the retry.
func readChunks(ctx context.Context, tx pgx.Tx, p *Progress) (rate float64, err error) {
	const query = `SELECT
			coalesce(sum(target_count - settled_count) FILTER (WHERE open_until > now()), 0),
			coalesce(sum(settled_count) FILTER (WHERE claimed_at > now() - $2::interval
				OR settled_at > now() - $2::interval), 0)::float8
				/ greatest(extract(epoch FROM least($2::interval, now() - $3::timestamptz)), 1)::float8,
			coalesce(extract(epoch FROM now() - min(claimed_at) FILTER (WHERE open_until > now()))::float8, 0),
			coalesce(sum(target_count) FILTER (WHERE published_at IS NOT NULL AND claimed_at IS NULL), 0),
			coalesce(extract(epoch FROM now() - min(published_at) FILTER (WHERE claimed_at IS NULL))::float8, 0),
			coalesce(extract(epoch FROM now() - $3::timestamptz)::float8, 0)
		FROM grant_chunks WHERE event_id = $1`
	lag := &p.Lag
	if err := tx.QueryRow(ctx, query, p.Event.ID, rateWindow, p.Event.Summary.StartedAt).Scan(&p.InFlight, &rate,
		&lag.Ledger.OldestS, &lag.Kafka.Targets, &lag.Kafka.OldestS, &lag.Relay.OldestS); err != nil {
		return 0, fmt.Errorf("count chunks at work: %w", err)
	}
	return rate, nil
}
