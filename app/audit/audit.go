// Package audit reads the record of what people and keys have changed, and chains its rows, so that one that is changed
// or taken away later is seen. Package command writes the rows, package verify proves the chain (I28).
//
// Start with Audit.List. chain.go links the rows.
package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config holds what the use cases need.
type Config struct {
	Pool *pgxpool.Pool
	Log  *slog.Logger // nil: nothing is logged
}

// Audit is the use cases of the record.
type Audit struct {
	pool *pgxpool.Pool
	log  *slog.Logger

	mu     sync.Mutex
	swept  time.Time // when this process has last looked for rows of any age that are not linked; zero: never
	window int64     // how far below the last linked id Link looks between two sweeps
}

// New returns the use cases, or says what c lacks.
func New(c Config) (*Audit, error) {
	if c.Pool == nil {
		return nil, errors.New("the audit needs a pool")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Audit{pool: c.Pool, log: c.Log, window: linkWindow}, nil
}

// Entry is one change by a person or a key.
type Entry struct {
	ID        int64
	At        time.Time
	Actor     string
	KeyID     *int64 // nil: BESTOW_ADMIN_KEY, or no key
	Action    string // as in event.start
	EventID   *int64 // nil: it is not of an event
	Object    string
	Before    json.RawMessage // nil: it was made
	After     json.RawMessage // nil: it was deleted
	Reason    *string
	RequestID *string
	SessionID *int64 // nil: by a key, or on the host
}

// Filter narrows a list of changes, newest first. Zero values stand for all.
type Filter struct {
	EventID int64
	Actor   string
	Actions []string // one of them; nil for all
	Object  string   // a part of it
	Since   *time.Time
	Until   *time.Time // only what was done before
	Limit   int        // 1 or more
	Before  int64      // only entries with a smaller id
}

// List returns the changes that f lets through, newest first, at most f.Limit of them.
func (s *Audit) List(ctx context.Context, f Filter) ([]Entry, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) ([]Entry, error) { return selectEntries(ctx, tx, f) })
}

// entriesSQL chooses the rows by an index alone, and then reads them: they are wide. One action is compared by itself,
// since only then its index has the order of the list. An object and a moment are looked for in audit_log_narrow, from
// the newest row on.
const entriesSQL = `SELECT id, at, actor, key_id, action, event_id, object, before, after, reason, request_id, session_id
	FROM audit_log
	WHERE id IN (
		SELECT id FROM audit_log
		WHERE ($1::bigint = 0 OR event_id = $1) AND ($2 = '' OR actor = $2)
		  AND ($3::text[] IS NULL OR action = ANY ($3)) AND ($9 = '' OR action = $9)
		  AND ($4::timestamptz IS NULL OR at >= $4) AND ($5::timestamptz IS NULL OR at < $5)
		  AND ($6 = '' OR strpos(object, $6) > 0) AND ($7::bigint = 0 OR id < $7)
		ORDER BY id DESC LIMIT $8)
	ORDER BY id DESC`

// values are those of entriesSQL.
func (f Filter) values() []any {
	actions, action := f.Actions, ""
	if len(actions) == 1 {
		actions, action = nil, actions[0]
	}
	return []any{f.EventID, f.Actor, actions, f.Since, f.Until, f.Object, f.Before, f.Limit, action}
}

func selectEntries(ctx context.Context, tx pgx.Tx, f Filter) ([]Entry, error) {
	rows, err := tx.Query(ctx, entriesSQL, f.values()...)
	if err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
	if err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	return entries, nil
}
