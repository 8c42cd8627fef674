// Package access says who asks: it makes and revokes the keys of people and services, and finds the principal of a key.
//
// Start with Access.Identify. keys.go makes and ends keys. Package known remembers those that were just looked up.
//
// What it must never do: keep, log or return the text of a key, but in the answer that makes it.
package access

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"time"

	"bestow/app/known"
	"bestow/domain"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config holds what the use cases need.
type Config struct {
	Pool *pgxpool.Pool
	Log  *slog.Logger // nil: nothing is logged
}

// Access is the use cases of keys.
type Access struct {
	pool  *pgxpool.Pool
	log   *slog.Logger
	known *known.Finder[domain.Principal]
}

// New returns the use cases, or says what c lacks.
func New(c Config) (*Access, error) {
	if c.Pool == nil {
		return nil, errors.New("access needs a pool")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Access{pool: c.Pool, log: c.Log, known: known.NewFinder[domain.Principal]()}, nil
}

// Identify returns the principal that has the key, and whether there is one: a key that is unknown, revoked or expired,
// or whose principal is disabled, has none. What it has found counts for [known.For], and for [known.StaleFor] while
// the database does not answer. Error: that of the database.
func (s *Access) Identify(ctx context.Context, key string) (domain.Principal, bool, error) {
	prefix, ok := prefixOf(key)
	if !ok {
		return domain.Principal{}, false, nil
	}
	sum := hashOf(key)
	return s.known.Find(ctx, sum, func(ctx context.Context) (p domain.Principal, lasts time.Duration, err error) {
		v, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (valid, error) { return selectValid(ctx, tx, prefix) })
		if err != nil {
			return p, 0, err
		}
		if subtle.ConstantTimeCompare(v.sum, sum[:]) != 1 {
			return p, 0, pgx.ErrNoRows
		}
		s.note(ctx, v)
		return domain.Principal{Name: v.name, Role: v.role, KeyID: v.id}, v.lasts, nil
	})
}

// note keeps the moment at which the key was used, once a minute. A database that cannot be written to is no reason to
// refuse a request.
func (s *Access) note(ctx context.Context, v valid) {
	if v.touched {
		return
	}
	if err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return touch(ctx, tx, v.id) }); err != nil {
		s.log.DebugContext(ctx, "the use of a key was not noted", "key_id", v.id, obs.Err, err)
	}
}
