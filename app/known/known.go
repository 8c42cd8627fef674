// Package known remembers for a moment who has a secret that was looked up: an API key or a session's token.
//
// Start with Finder.Find.
//
// What it must never do: keep the text of a secret. It knows a secret by its SHA-256.
package known

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

const (
	// For is how long a process takes a secret without asking the database: one that is revoked elsewhere is refused
	// within this time.
	For = 15 * time.Second
	// StaleFor is how long it does while the database does not answer.
	StaleFor = 45 * time.Second
	// most bounds the secrets that are remembered.
	most = 10_000
	// lookUpWait is how long a request waits for the database to learn who asks.
	lookUpWait = 5 * time.Second
	// maxLooking is how many new secrets are looked up at one time: a flood of wrong ones must not take all connections.
	maxLooking = 4
	// maxRenewing is how many are that were found before, so that they do not wait behind a flood of wrong ones.
	maxRenewing = 4
)

// Sum is the hash by which a secret is known.
type Sum = [sha256.Size]byte

// Finder finds the owners of secrets, and remembers them. Tests may change Now and Wait.
type Finder[T any] struct {
	Now  func() time.Time
	Wait time.Duration // of one lookup

	looking, renewing chan struct{} // the places of new secrets, and of those that were found before

	mu         sync.Mutex
	all        map[Sum]seen[T]
	generation uint64 // how often Forget was called
}

// seen is an owner, when it was looked up, and when its secret expires.
type seen[T any] struct {
	owner     T
	at, until time.Time
}

// NewFinder returns a Finder that knows no secret.
func NewFinder[T any]() *Finder[T] {
	return &Finder[T]{
		Now: time.Now, Wait: lookUpWait, looking: make(chan struct{}, maxLooking),
		renewing: make(chan struct{}, maxRenewing), all: map[Sum]seen[T]{},
	}
}

// LookUp reads the owner of a secret, and how long the secret is still valid. Error: pgx.ErrNoRows for an unknown
// secret.
type LookUp[T any] func(context.Context) (owner T, lasts time.Duration, err error)

// Find returns the owner of the secret with the hash, and whether there is one. What lookUp has found counts for
// [For], and for [StaleFor] while the database does not answer. Errors: those of lookUp, and domain.Unavailable while
// too many other secrets are looked up.
func (f *Finder[T]) Find(ctx context.Context, sum Sum, lookUp LookUp[T]) (owner T, found bool, err error) {
	owner, age, generation, remembered := f.get(sum)
	if remembered && age < For {
		return owner, true, nil
	}
	places := f.looking
	if remembered {
		places = f.renewing
	}
	now, lasts, err := f.bounded(ctx, places, lookUp)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		f.drop(sum)
		return now, false, nil
	case err != nil && remembered && age < StaleFor && pg.Unavailable(err):
		return owner, true, nil
	case err != nil:
		return now, false, err
	}
	f.put(sum, now, lasts, generation)
	return now, true, nil
}

// bounded looks a secret up where there is a place for it in time. The end of the wait for a place says nothing
// about the database.
func (f *Finder[T]) bounded(
	ctx context.Context, places chan struct{}, lookUp LookUp[T],
) (owner T, lasts time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.Wait)
	defer cancel()
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return owner, 0, domain.UnavailableError("too many keys and sessions are looked up at this moment",
			"ask again in a moment")
	}
	return lookUp(ctx)
}

// get returns the owner of a secret that has not expired, how long ago it was looked up, and the generation.
func (f *Finder[T]) get(sum Sum) (owner T, age time.Duration, generation uint64, found bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, found := f.all[sum]
	now := f.Now()
	if !found || !now.Before(s.until) {
		return owner, 0, f.generation, false
	}
	return s.owner, now.Sub(s.at), f.generation, true
}

// put remembers what was looked up since the generation. If something was forgotten meanwhile, it may be this secret,
// so it is not remembered.
func (f *Finder[T]) put(sum Sum, owner T, lasts time.Duration, generation uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if generation != f.generation {
		return
	}
	if len(f.all) >= most {
		clear(f.all)
	}
	now := f.Now()
	f.all[sum] = seen[T]{owner: owner, at: now, until: now.Add(lasts)}
}

func (f *Finder[T]) drop(sum Sum) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, sum)
}

// Forget forgets the secrets for which gone is true, and what is looked up at this moment.
func (f *Finder[T]) Forget(gone func(Sum, T) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.generation++
	for sum, s := range f.all {
		if gone(sum, s.owner) {
			delete(f.all, sum)
		}
	}
}
