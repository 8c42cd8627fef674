package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// State says how the chain stands. It is what others have stored: nothing is compared.
type State struct {
	Links    int64     // of the chain, from 1 on; 0: it is empty
	Hash     []byte    // of the last one
	LinkedAt time.Time // when that one was added; zero: none was

	Waiting  int    // changes that have no link yet; at most mostWaiting
	GivenOut *Head  // the last head that was written to the log; nil: none was
	Check    *Check // the last time that verify compared the whole chain with the record; nil: it never has
}

// Head is a head that was given out.
type Head struct {
	Position int64
	At       time.Time
}

// Check is what verify found in the chain, by the last report on an event.
type Check struct {
	At      time.Time
	Whole   bool  // no row was changed or taken away since it was linked
	EventID int64 // the event of the report
}

// mostWaiting bounds the changes without a link that are counted.
const mostWaiting = 1000

// State reads how the chain stands, by the ends of indexes.
func (s *Audit) State(ctx context.Context) (State, error) {
	return pg.SnapshotWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) (c State, err error) {
		if err := readChain(ctx, tx, &c); err != nil {
			return c, err
		}
		if c.GivenOut, err = selectGivenOut(ctx, tx); err != nil {
			return c, err
		}
		c.Check, err = selectCheck(ctx, tx)
		return c, err
	})
}

func readChain(ctx context.Context, tx pgx.Tx, c *State) error {
	const last = `SELECT position, hash, linked_at FROM audit_chain ORDER BY position DESC LIMIT 1`
	err := tx.QueryRow(ctx, last).Scan(&c.Links, &c.Hash, &c.LinkedAt)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read head of audit chain: %w", err)
	}
	const waiting = `SELECT count(*) FROM (SELECT FROM audit_log
		WHERE id > (SELECT coalesce(max(audit_id), 0) FROM audit_chain) LIMIT $1) above`
	if err := tx.QueryRow(ctx, waiting, mostWaiting).Scan(&c.Waiting); err != nil {
		return fmt.Errorf("count changes without a link: %w", err)
	}
	return nil
}

func selectGivenOut(ctx context.Context, tx pgx.Tx) (*Head, error) {
	const query = `SELECT position, anchored_at FROM audit_anchors ORDER BY position DESC LIMIT 1`
	var h Head
	err := tx.QueryRow(ctx, query).Scan(&h.Position, &h.At)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is no error
	}
	if err != nil {
		return nil, fmt.Errorf("read head that was given out: %w", err)
	}
	return &h, nil
}

// selectCheck reads what the newest report says that has compared I28: one that stood in for another may not have. Only
// the last hundred reports are looked at.
func selectCheck(ctx context.Context, tx pgx.Tx) (*Check, error) {
	const query = `SELECT v.checked_at, (invariant->>'ok')::boolean, v.event_id
		FROM (SELECT id, checked_at, report, event_id FROM verify_reports ORDER BY id DESC LIMIT 100) v
			CROSS JOIN json_array_elements(v.report->'invariants') invariant
		WHERE invariant->>'id' = 'I28' AND (invariant->>'checked')::boolean
		ORDER BY v.id DESC LIMIT 1`
	var c Check
	err := tx.QueryRow(ctx, query).Scan(&c.At, &c.Whole, &c.EventID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is no error
	}
	if err != nil {
		return nil, fmt.Errorf("read check of audit chain: %w", err)
	}
	return &c, nil
}
