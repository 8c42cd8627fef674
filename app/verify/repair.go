package verify

import (
	"context"
	"errors"
	"fmt"

	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Repaired is one counter that a repair changed.
type Repaired struct {
	EventID int64  `json:"event_id"`
	Counter string `json:"counter"` // a column of the summary, or settled_count and its chunk
	Before  int64  `json:"before"`
	After   int64  `json:"after"`
}

// String says what was changed.
func (r Repaired) String() string {
	return fmt.Sprintf("event %d: %s was %s, is %s", r.EventID, r.Counter, english.Number(r.Before),
		english.Number(r.After))
}

// Repair recounts the counters of the events: the summary's four and the chunks' settled_count (I6, I11). Each event is
// one transaction under its gate, in which nothing of the event can be published, claimed, settled or closed; an event
// whose counters are right is not locked at all. Errors as Verify's.
//
// It never touches results, targets or the ledger, which are the record of what happened. Nor total_count and
// total_amount (I7): they say what was accepted at the import, so that where they differ from the targets, targets were
// lost or forged, and a recount would turn that into a campaign that is complete without them.
func (s *Verifier) Repair(ctx context.Context, q Query) ([]Repaired, error) {
	var event *int64
	var grown []string
	var events []counted
	err := s.lookFirst(ctx, func(tx guarded) (err error) {
		if event, err = findEvent(ctx, tx, q.Event); err != nil {
			return err
		}
		if grown, err = selectGrown(ctx, tx, event); err != nil {
			return err
		}
		events, err = selectCounted(ctx, tx, event)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.analyzeGrown(ctx, grown); err != nil {
		return nil, err
	}
	var all []Repaired
	for _, e := range events {
		repaired, err := s.repairEvent(ctx, e)
		if err != nil {
			return all, fmt.Errorf("repair event %d: %w", e.id, err)
		}
		all = append(all, repaired...)
		if len(repaired) == 0 {
			continue
		}
		if err := failpoint.Hit(ctx, failpoint.RepairBetween); err != nil {
			return all, err
		}
	}
	return all, nil
}

// counted is an event and where its rows are.
type counted struct {
	id  int64
	run binding
}

func selectCounted(ctx context.Context, tx pgx.Tx, event *int64) ([]counted, error) {
	const query = `SELECT e.id, e.event_type FROM public.campaign_events e JOIN public.event_types y ON y.code = e.event_type
		WHERE y.state IN ('READY', 'RETIRED') AND ($1::bigint IS NULL OR e.id = $1) ORDER BY e.id`
	rows, err := tx.Query(ctx, query, event)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c counted, err error) {
		var y domain.EventType
		err = row.Scan(&c.id, &y.Code)
		c.run = binding{targets: inPublic(y.TargetTable()), results: inPublic(y.ResultTable())}
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return list, nil
}

// repairEvent looks first, without a lock, whether anything is wrong.
func (s *Verifier) repairEvent(ctx context.Context, e counted) ([]Repaired, error) {
	var d drift
	err := s.read(ctx, func(tx guarded) (err error) {
		d, err = readDrift(ctx, tx, e)
		return err
	})
	if err != nil || d.none() {
		return nil, err
	}
	return pg.Value(ctx, s.c.Pool, func(raw pgx.Tx) ([]Repaired, error) {
		tx, err := guard(ctx, raw)
		if err != nil {
			return nil, err
		}
		return repairLocked(ctx, tx, e)
	})
}

// repairLocked recounts and writes under the locks that every counting transaction needs, in their order: the gate,
// which marking takes; the chunks and the summary, which settling takes. A settling that waits for them has not
// committed its rows, so the recount does not see them, and adds its own part afterwards.
func repairLocked(ctx context.Context, tx guarded, e counted) ([]Repaired, error) {
	if err := pg.Lock(ctx, tx, pg.Gate, e.id); err != nil {
		return nil, err
	}
	for _, lock := range []string{
		`SELECT FROM public.grant_chunks WHERE event_id = $1 ORDER BY partition_key, first_id FOR UPDATE`,
		`SELECT FROM public.campaign_event_summary WHERE event_id = $1 FOR UPDATE`,
	} {
		if _, err := tx.Exec(ctx, lock, e.id); err != nil {
			return nil, fmt.Errorf("lock counters: %w", err)
		}
	}
	d, err := readDrift(ctx, tx, e)
	if err != nil {
		return nil, err
	}
	if err := d.write(ctx, tx, e.id); err != nil {
		return nil, err
	}
	return d.repaired(e.id), failpoint.Hit(ctx, failpoint.RepairBeforeCommit)
}

// counters are the summary's four, in its order.
type counters [4]int64

// drift holds what of an event's counters is wrong.
type drift struct {
	says, rows counters
	chunks     []chunkDrift
}

type chunkDrift struct {
	Partition        int
	First, Last      int64
	Settled, Counted int64
}

func (d drift) none() bool { return d.says == d.rows && len(d.chunks) == 0 }

func readDrift(ctx context.Context, tx pgx.Tx, e counted) (d drift, err error) {
	sql, err := e.run.statement("recount_summary")
	if err != nil {
		return d, err
	}
	err = tx.QueryRow(ctx, sql, e.id).Scan(&d.says[0], &d.says[1], &d.says[2], &d.says[3], &d.rows[0], &d.rows[1],
		&d.rows[2], &d.rows[3])
	if err != nil && !errors.Is(err, pgx.ErrNoRows) { // an event without a summary is no matter of counting
		return d, fmt.Errorf("recount summary: %w", err)
	}
	if sql, err = e.run.statement("recount_chunks"); err != nil {
		return d, err
	}
	rows, err := tx.Query(ctx, sql, e.id)
	if err != nil {
		return d, fmt.Errorf("recount chunks: %w", err)
	}
	if d.chunks, err = pgx.CollectRows(rows, pgx.RowToStructByPos[chunkDrift]); err != nil {
		return d, fmt.Errorf("recount chunks: %w", err)
	}
	return d, nil
}

func (d drift) repaired(event int64) (list []Repaired) {
	for _, c := range d.chunks {
		chunk := domain.Chunk{EventID: event, PartitionKey: c.Partition, First: c.First, Last: c.Last}
		list = append(list, Repaired{event, "settled_count of chunk " + chunk.String(), c.Settled, c.Counted})
	}
	for i, name := range [...]string{"published_count", "success_count", "fail_count", "retry_success_count"} {
		if d.says[i] != d.rows[i] {
			list = append(list, Repaired{event, name, d.says[i], d.rows[i]})
		}
	}
	return list
}

// write corrects the counters, the summary last.
func (d drift) write(ctx context.Context, tx pgx.Tx, event int64) error {
	partitions, firsts, settled := make([]int, len(d.chunks)), make([]int64, len(d.chunks)), make([]int64,
		len(d.chunks))
	for i, c := range d.chunks {
		partitions[i], firsts[i], settled[i] = c.Partition, c.First, c.Counted
	}
	const chunks = `UPDATE public.grant_chunks c SET settled_count = u.n,
			settled_at = CASE WHEN u.n = c.target_count THEN coalesce(c.settled_at, now()) END, updated_at = now()
		FROM unnest($2::int[], $3::bigint[], $4::bigint[]) u (partition_key, first_id, n)
		WHERE c.event_id = $1 AND c.partition_key = u.partition_key AND c.first_id = u.first_id`
	if _, err := tx.Exec(ctx, chunks, event, partitions, firsts, settled); err != nil {
		return fmt.Errorf("correct chunks: %w", err)
	}
	const summary = `UPDATE public.campaign_event_summary SET published_count = $2, success_count = $3, fail_count = $4,
			retry_success_count = $5, updated_at = now()
		WHERE event_id = $1`
	if _, err := tx.Exec(ctx, summary, event, d.rows[0], d.rows[1], d.rows[2], d.rows[3]); err != nil {
		return fmt.Errorf("correct summary: %w", err)
	}
	return nil
}
