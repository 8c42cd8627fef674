package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Caller is who asks, and under which idempotency key.
type Caller struct {
	Actor string // the name of the API key
	Once  *Once  // nil: asked without an Idempotency-Key
}

// Once makes a request happen at most once: a repeated key with the same fingerprint gets the stored answer. An answer that
// tells a state is not believed but looked up again, since another request may have changed the state (commitMove).
type Once struct {
	Key         string
	Fingerprint []byte // of everything that was asked
	Replayed    bool   // set by the use case: an earlier request of the key has done it, and nothing was done again
}

// once runs do at most once for by's key and stores its answer in the same transaction, so that a crash keeps both or
// neither. Errors: domain.KeyReused for another fingerprint, domain.KeyInFlight while the first request is at work.
func once[T any](ctx context.Context, tx pgx.Tx, by Caller, do func() (T, error)) (answer T, err error) {
	return onceRead(ctx, tx, by, func() ([]byte, error) { return by.Once.Fingerprint, nil }, do)
}

// work is what one transaction does and answers.
type work[T any] func(pgx.Tx) (T, error)

// commit is once in a transaction of its own, with a failpoint on either side of its commit.
func commit[T any](ctx context.Context, pool *pgxpool.Pool, by Caller, before, after string, do work[T]) (answer T, err error) {
	return commitMove(ctx, pool, by, before, after, do, nil)
}

// commitAnew is commit for what stops: it is done each time it is asked for, also with a key that was answered before. Such
// a key still belongs to one request only.
func commitAnew[T any](ctx context.Context, pool *pgxpool.Pool, by Caller, before, after string, do work[T]) (answer T, err error) {
	return commitMove(ctx, pool, by, before, after, do, func(tx pgx.Tx) (T, error) {
		by.Once.Replayed = false
		return do(tx)
	})
}

// commitMove is commit for an answer that tells a state: repeat, unless it is nil, makes the answer to a repeated key.
func commitMove[T any](ctx context.Context, pool *pgxpool.Pool, by Caller, before, after string, do, repeat work[T]) (answer T, err error) {
	answer, err = pg.ValueWithin(ctx, pool, moveWait, func(tx pgx.Tx) (T, error) {
		answer, err := once(ctx, tx, by, func() (T, error) { return do(tx) })
		if err == nil && repeat != nil && by.Once != nil && by.Once.Replayed {
			answer, err = repeat(tx)
		}
		if err != nil {
			return answer, err
		}
		return answer, failpoint.Hit(ctx, before)
	})
	if err != nil {
		return answer, err
	}
	return answer, failpoint.Hit(ctx, after)
}

// onceRead is once for a request that streams: fingerprint is asked when do has read it, or reads it in its place.
func onceRead[T any](ctx context.Context, tx pgx.Tx, by Caller, fingerprint func() ([]byte, error), do func() (T, error)) (answer T, err error) {
	if by.Once == nil {
		return do()
	}
	if err := lockKey(ctx, tx, by); err != nil {
		return answer, err
	}
	if answer, err = stored[T](ctx, tx, by, fingerprint); !errors.Is(err, pgx.ErrNoRows) {
		return answer, err
	}
	if answer, err = do(); err != nil {
		return answer, err
	}
	return answer, storeAnswer(ctx, tx, by, fingerprint, answer)
}

// storedOnce returns the answer that by's key got, or pgx.ErrNoRows: for a use case of several transactions, which begins
// with it and ends with once.
func storedOnce[T any](ctx context.Context, tx pgx.Tx, by Caller) (answer T, err error) {
	if err := lockKey(ctx, tx, by); err != nil {
		return answer, err
	}
	return stored[T](ctx, tx, by, func() ([]byte, error) { return by.Once.Fingerprint, nil })
}

// lockKey returns domain.KeyInFlight while another transaction works for the same key.
func lockKey(ctx context.Context, tx pgx.Tx, by Caller) error {
	var free bool
	const lock = `SELECT pg_try_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, 0))`
	if err := tx.QueryRow(ctx, lock, by.Actor, by.Once.Key).Scan(&free); err != nil {
		return fmt.Errorf("lock idempotency key: %w", err)
	}
	if !free {
		return &domain.Error{Code: domain.KeyInFlight, Message: "a request with this Idempotency-Key is still at work",
			Hint: "wait for its answer, then ask again with the same key"}
	}
	return nil
}

// stored returns the answer that by's key got, or pgx.ErrNoRows.
func stored[T any](ctx context.Context, tx pgx.Tx, by Caller, fingerprint func() ([]byte, error)) (answer T, err error) {
	var before, body []byte
	const query = `SELECT fingerprint, answer FROM idempotency_keys WHERE actor = $1 AND key = $2`
	if err := tx.QueryRow(ctx, query, by.Actor, by.Once.Key).Scan(&before, &body); err != nil {
		return answer, fmt.Errorf("read stored answer: %w", err)
	}
	now, err := fingerprint()
	if err != nil {
		return answer, err
	}
	if !bytes.Equal(before, now) {
		return answer, &domain.Error{Code: domain.KeyReused, Message: "this Idempotency-Key was used for another request",
			Hint: "take a new key for a new request; repeat the old one unchanged to get its answer"}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, fmt.Errorf("read stored answer: %w", err)
	}
	by.Once.Replayed = true
	return answer, nil
}

func storeAnswer(ctx context.Context, tx pgx.Tx, by Caller, fingerprint func() ([]byte, error), answer any) error {
	asked, err := fingerprint()
	if err != nil {
		return err
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("store answer: %w", err)
	}
	const insert = `INSERT INTO idempotency_keys (actor, key, fingerprint, answer, digest)
		VALUES ($1, $2, $3, $4, sha256(convert_to(ROW($1::varchar, $2::varchar, encode($3, 'hex'), $4::jsonb)::text, 'UTF8')))`
	if _, err := tx.Exec(ctx, insert, by.Actor, by.Once.Key, asked, body); err != nil {
		return fmt.Errorf("store answer: %w", err)
	}
	return nil
}
