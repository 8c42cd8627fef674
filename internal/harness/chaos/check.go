package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"bestow/internal/harness/testbed"

	"github.com/jackc/pgx/v5"
)

// compareAll compares everything that the operators have finished with what they meant, and lets bestow verify all
// events that there ever were.
func (w *world) compareAll(ctx context.Context, done []*campaign) error {
	for _, c := range done {
		if err := w.compare(ctx, c); err != nil {
			return fmt.Errorf("event %d (%s, %d members): %w", c.id, c.name, c.members, err)
		}
	}
	if err := w.Bestow(ctx, "verify", "verify"); err != nil {
		return err
	}
	if err := w.noneLost(ctx); err != nil {
		return err
	}
	if err := w.onlyRubbishParked(ctx); err != nil {
		return err
	}
	return w.noDeadlock()
}

// compare compares one event's list with the ledger and with the results: each member once, with its amount, its status
// and its refusals (I16).
func (w *world) compare(ctx context.Context, c *campaign) error {
	want := c.expected()
	saves, err := w.saves(ctx, c)
	if err != nil {
		return err
	}
	results, err := w.results(ctx, c)
	if err != nil {
		return err
	}
	d := &differences{}
	for member, e := range want {
		d.compareMember(member, e, saves[member], results[member])
	}
	for member := range saves {
		d.known(member, want, "the ledger")
	}
	for member := range results {
		d.known(member, want, "the results")
	}
	return d.err()
}

// differences are the first few ways in which something differs, and their number.
type differences struct {
	count int
	first []string
}

func (d *differences) add(format string, args ...any) {
	if d.count++; len(d.first) < 3 {
		d.first = append(d.first, fmt.Sprintf(format, args...))
	}
}

func (d *differences) err() error {
	if d.count == 0 {
		return nil
	}
	return fmt.Errorf("%d differences from the list: %s", d.count, strings.Join(d.first, "; "))
}

func (d *differences) known(member string, want map[string]entry, where string) {
	if _, known := want[member]; !known {
		d.add("%s have %s, who is not of the list", where, member)
	}
}

// compareMember compares what came of one member; amounts are those of the ledger's saves for it.
func (d *differences) compareMember(member string, want entry, amounts []int64, got entry) {
	saved := 0
	if want.status == success {
		saved = 1
	}
	switch {
	case len(amounts) != saved:
		d.add("%s is %d times in the ledger, not %d times", member, len(amounts), saved)
	case saved == 1 && amounts[0] != want.amount:
		d.add("%s was granted %d, not %d", member, amounts[0], want.amount)
	case got != want:
		d.add("the result of %s is %+v, not %+v", member, got, want)
	}
}

// saves are the ledger's amounts for each member of an event.
func (w *world) saves(ctx context.Context, c *campaign) (map[string][]int64, error) {
	query, ref := testbed.LedgerQuery("member_id, point", "member_id, amount", c.id, c.voucher)
	all := make(map[string][]int64, c.members)
	rows, err := w.pool.Query(ctx, query, ref)
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	var (
		member string
		amount int64
	)
	_, err = pgx.ForEachRow(rows, []any{&member, &amount}, func() error {
		all[member] = append(all[member], amount)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	return all, nil
}

func (w *world) results(ctx context.Context, c *campaign) (map[string]entry, error) {
	query := `SELECT member_id, amount, status, retry_count FROM point_results WHERE event_id = $1`
	if c.voucher {
		query = `SELECT member_id, amount, status, retry_count FROM voucher_results WHERE event_id = $1`
	}
	rows, err := w.pool.Query(ctx, query, c.id)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	all := make(map[string]entry, c.members)
	var (
		member string
		e      entry
	)
	_, err = pgx.ForEachRow(rows, []any{&member, &e.amount, &e.status, &e.refusals}, func() error {
		all[member] = e
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return all, nil
}

// saved counts the event's rows in the ledger; while PostgreSQL is away it asks on.
func (w *world) saved(ctx context.Context, c *campaign) (n int, err error) {
	query, ref := testbed.LedgerQuery("count(*)", "count(*)", c.id, c.voucher)
	return n, w.ask(ctx, query, []any{ref}, &n)
}

// ask reads one row; while PostgreSQL is away it asks on.
func (w *world) ask(ctx context.Context, query string, args []any, into ...any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	err := testbed.Poll(ctx, 5*testbed.Interval, func() (bool, error) {
		last = w.pool.QueryRow(ctx, query, args...).Scan(into...)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("ask PostgreSQL: %w", errors.Join(err, last))
	}
	return nil
}

// inOrder is an error if one of a lane's events began before the one ahead of it was complete.
func (w *world) inOrder(ctx context.Context, list []*campaign) error {
	for i := range len(list) - 1 {
		const query = `SELECT b.started_at >= a.completed_at FROM campaign_event_summary a, campaign_event_summary b
			WHERE a.event_id = $1 AND b.event_id = $2`
		var after bool
		if err := w.ask(ctx, query, []any{list[i].id, list[i+1].id}, &after); err != nil {
			return err
		}
		if !after {
			return fmt.Errorf("event %d began before event %d, which is ahead of it in its lane, was complete",
				list[i+1].id, list[i].id)
		}
	}
	return nil
}

// noneLost: the reconcile asks again for what was lost in Kafka. Nothing is lost here, so whatever it found was never
// there.
func (w *world) noneLost(ctx context.Context) error {
	var chunks int
	var which string
	const query = `SELECT count(*), coalesce(min(format('chunk %s/%s/%s', event_id, partition_key, first_id)), '')
		FROM grant_chunks WHERE reconciled > 0`
	if err := w.ask(ctx, query, nil, &chunks, &which); err != nil {
		return err
	}
	if chunks > 0 {
		return fmt.Errorf("%d chunks were marked as published and were not in Kafka, the first: %s", chunks, which)
	}
	return nil
}

// onlyRubbishParked: all of our rubbish is parked, each message once, and nothing else.
func (w *world) onlyRubbishParked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	err := testbed.Poll(ctx, 10*testbed.Interval, func() (bool, error) {
		last = w.compareParked(ctx)
		return last == nil, nil
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

func (w *world) compareParked(ctx context.Context) error {
	rows, err := w.pool.Query(ctx, `SELECT payload FROM parked_messages`)
	if err != nil {
		return fmt.Errorf("read parked messages: %w", err)
	}
	parked, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return fmt.Errorf("read parked messages: %w", err)
	}
	w.topics.mu.Lock()
	defer w.topics.mu.Unlock()
	missing := 0
	left := map[string]int{}
	for payload, n := range w.topics.trash {
		left[payload] = n
		missing += n
	}
	for _, payload := range parked {
		if left[string(payload)]--; left[string(payload)] < 0 {
			return fmt.Errorf("a message is parked that is no rubbish: %.200q", payload)
		}
		missing--
	}
	if missing > 0 {
		return fmt.Errorf("%d messages of rubbish are not parked", missing)
	}
	return nil
}

// noDeadlock reads PostgreSQL's log.
func (w *world) noDeadlock() error {
	log, err := os.ReadFile(w.PostgresLog())
	if err != nil {
		return fmt.Errorf("read PostgreSQL's log: %w", err)
	}
	if at := bytes.Index(log, []byte("deadlock detected")); at >= 0 {
		return fmt.Errorf("a deadlock: %s", log[at:min(len(log), at+800)])
	}
	return nil
}
