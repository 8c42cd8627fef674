// Package command runs what a person asks for in one transaction, and at most once for an idempotency key.
//
// Start with Run. A use case that reads an upload uses Stream, and one of several transactions begins with Answered.
package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Wait is the time that a command waits for a lock: not longer than a request lasts.
const Wait = 10 * time.Second

// Caller says who asks, and under which idempotency key.
type Caller struct {
	Actor     string // the name of the principal
	KeyID     int64  // of the principal's key; 0: that of the settings, or none
	SessionID int64  // 0: not by a session
	RequestID string // "" outside of a request
	Reason    string // why, as the caller says; "" for none
	Once      *Once  // nil: asked without an Idempotency-Key
}

// Once makes a request happen at most once: a repeated key with the same fingerprint gets the stored answer.
type Once struct {
	Key         string
	Fingerprint []byte // of everything that was asked
}

// Answer is what a request gets.
type Answer[T any] struct {
	Value    T
	Replayed bool // an earlier request of the key has done it, and nothing was done again
}

// Command holds what one transaction does, and its failpoints on either side of the commit.
type Command[T any] struct {
	Before, After string
	Do            func(pgx.Tx) (T, error)

	// OnReplay makes the answer to a repeated key. Without it the stored answer is repeated, which is right where the
	// answer tells no state that another request may have changed since.
	OnReplay func(pgx.Tx) (T, error)

	anew bool // a repeated key is done again
}

// Anew returns c as a command that is done each time it is asked for, also with a key that was answered before: for
// what stops. Such a key still belongs to one request only.
func (c Command[T]) Anew() Command[T] {
	c.anew = true
	return c
}

// repeated returns the answer to a repeated key, whose stored answer is stored.
func (c Command[T]) repeated(tx pgx.Tx, stored Answer[T]) (Answer[T], error) {
	switch {
	case c.anew:
		value, err := c.Do(tx)
		return Answer[T]{Value: value}, err
	case c.OnReplay != nil:
		value, err := c.OnReplay(tx)
		return Answer[T]{Value: value, Replayed: true}, err
	}
	return stored, nil
}

// Run does c in a transaction that also stores the answer for by's key, so that a crash keeps both or neither. Errors:
// those of c, domain.KeyReused for a key with another fingerprint, domain.KeyInFlight while the first request is at
// work.
func Run[T any](ctx context.Context, pool *pgxpool.Pool, by Caller, c Command[T]) (Answer[T], error) {
	answer, err := pg.ValueWithin(ctx, pool, Wait, func(tx pgx.Tx) (Answer[T], error) {
		answer, err := In(ctx, tx, by, func() (T, error) { return c.Do(tx) })
		if err == nil && answer.Replayed {
			answer, err = c.repeated(tx, answer)
		}
		if err != nil {
			return answer, err
		}
		return answer, hit(ctx, c.Before)
	})
	if err != nil {
		return answer, err
	}
	return answer, hit(ctx, c.After)
}

// hit is failpoint.Hit. Called from a generic function it would not be inlined in packages that do not import it, and
// a normal build would have it.
func hit(ctx context.Context, point string) error { return failpoint.Hit(ctx, point) }

// In does do in the caller's transaction, at most once for by's key. Errors as of Run.
func In[T any](ctx context.Context, tx pgx.Tx, by Caller, do func() (T, error)) (Answer[T], error) {
	return Stream(ctx, tx, by, func() ([]byte, error) { return by.Once.Fingerprint, nil }, do)
}

// Stream is In for a request whose fingerprint is known only when it was read: fingerprint is called after do, or reads
// the request in do's place.
func Stream[T any](
	ctx context.Context, tx pgx.Tx, by Caller, fingerprint func() ([]byte, error), do func() (T, error),
) (answer Answer[T], err error) {
	if by.Once == nil {
		answer.Value, err = do()
		return answer, err
	}
	if err := lockKey(ctx, tx, by); err != nil {
		return answer, err
	}
	answer.Value, answer.Replayed, err = stored[T](ctx, tx, by, fingerprint)
	if err != nil || answer.Replayed {
		return answer, err
	}
	if answer.Value, err = do(); err != nil {
		return answer, err
	}
	return answer, store(ctx, tx, by, fingerprint, answer.Value)
}

// Answered returns the answer that by's key got, and whether it got one: for a use case of several transactions, which
// begins with it and ends with Run.
func Answered[T any](ctx context.Context, pool *pgxpool.Pool, by Caller) (answer T, found bool, err error) {
	if by.Once == nil {
		return answer, false, nil
	}
	err = pg.InTx(ctx, pool, func(tx pgx.Tx) (err error) {
		if err := lockKey(ctx, tx, by); err != nil {
			return err
		}
		answer, found, err = stored[T](ctx, tx, by, func() ([]byte, error) { return by.Once.Fingerprint, nil })
		return err
	})
	return answer, found, err
}

// StillThere turns err, domain.NotFound for what a stored answer says was made, into domain.Undone: a person undid it
// since.
func StillThere(err error, what string) error {
	if domain.IsCode(err, domain.NotFound) {
		return domain.UndoneError(what)
	}
	return err
}

// lockKey returns domain.KeyInFlight while another transaction works for the same key.
func lockKey(ctx context.Context, tx pgx.Tx, by Caller) error {
	var free bool
	const lock = `SELECT pg_try_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, 0))`
	if err := tx.QueryRow(ctx, lock, by.Actor, by.Once.Key).Scan(&free); err != nil {
		return fmt.Errorf("lock idempotency key: %w", err)
	}
	if !free {
		return domain.KeyInFlightError()
	}
	return nil
}

// stored returns the answer that by's key got, and whether it got one.
func stored[T any](
	ctx context.Context, tx pgx.Tx, by Caller, fingerprint func() ([]byte, error),
) (answer T, found bool, err error) {
	var before, body []byte
	const query = `SELECT fingerprint, answer FROM idempotency_keys WHERE actor = $1 AND key = $2`
	err = tx.QueryRow(ctx, query, by.Actor, by.Once.Key).Scan(&before, &body)
	if errors.Is(err, pgx.ErrNoRows) {
		return answer, false, nil
	}
	if err != nil {
		return answer, false, fmt.Errorf("read stored answer: %w", err)
	}
	now, err := fingerprint()
	if err != nil {
		return answer, false, err
	}
	if !bytes.Equal(before, now) {
		return answer, false, domain.KeyReusedError()
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, false, fmt.Errorf("read stored answer: %w", err)
	}
	return answer, true, nil
}

func store(ctx context.Context, tx pgx.Tx, by Caller, fingerprint func() ([]byte, error), answer any) error {
	asked, err := fingerprint()
	if err != nil {
		return err
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("store answer: %w", err)
	}
	const insert = `INSERT INTO idempotency_keys (actor, key, fingerprint, answer, digest)
		VALUES ($1, $2, $3, $4,
			sha256(convert_to(ROW($1::varchar, $2::varchar, encode($3, 'hex'), $4::jsonb)::text, 'UTF8')))`
	if _, err := tx.Exec(ctx, insert, by.Actor, by.Once.Key, asked, body); err != nil {
		return fmt.Errorf("store answer: %w", err)
	}
	return nil
}
