// Package access says who asks: it makes and revokes the keys of people and services, and finds the principal of a key.
//
// Start with Access.Identify. keys.go makes and ends keys, known.go remembers those that were just looked up.
//
// What it must never do: keep, log or return the text of a key, but in the answer that makes it.
package access

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"time"

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
	known *known

	wait    time.Duration // how long a request waits for the database to learn who asks
	looking chan struct{} // bounds the lookups at one time: a flood of wrong keys must not take all connections
}

// lookUpWait is the wait of an [Access].
const lookUpWait = 5 * time.Second

// maxLooking is how many keys are looked up at one time.
const maxLooking = 4

// New returns the use cases, or says what c lacks.
func New(c Config) (*Access, error) {
	if c.Pool == nil {
		return nil, errors.New("access needs a pool")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Access{
		pool: c.Pool, log: c.Log, known: newKnown(), wait: lookUpWait, looking: make(chan struct{}, maxLooking),
	}, nil
}

// Identify returns the principal that has the key, and whether there is one: a key that is unknown, revoked or expired,
// or whose principal is disabled, has none. What it has found counts for cacheFor, and for staleFor while the database
// does not answer. Error: that of the database.
func (s *Access) Identify(ctx context.Context, key string) (domain.Principal, bool, error) {
	prefix, ok := prefixOf(key)
	if !ok {
		return domain.Principal{}, false, nil
	}
	sum := hashOf(key)
	p, age, found := s.known.get(sum)
	if found && age < cacheFor {
		return p, true, nil
	}
	v, err := s.lookUp(ctx, prefix)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		s.known.drop(sum)
		return domain.Principal{}, false, nil
	case err != nil && found && age < staleFor && pg.Unavailable(err):
		return p, true, nil
	case err != nil:
		return domain.Principal{}, false, err
	case subtle.ConstantTimeCompare(v.sum, sum[:]) != 1:
		return domain.Principal{}, false, nil
	}
	p = domain.Principal{Name: v.name, Role: v.role, KeyID: v.id}
	s.known.put(sum, p, v.lasts)
	s.note(ctx, v)
	return p, true, nil
}

func (s *Access) lookUp(ctx context.Context, prefix string) (valid, error) {
	ctx, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	select {
	case s.looking <- struct{}{}:
		defer func() { <-s.looking }()
	case <-ctx.Done():
		return valid{}, fmt.Errorf("look up key: %w", ctx.Err())
	}
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (valid, error) { return selectValid(ctx, tx, prefix) })
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
