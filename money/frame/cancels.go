package frame

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Undoing is a batch of cancels at work: C asks for a cancel, T is undone by it, and S stands under its key.
type Undoing[C, T, S any] interface {
	// Prepare returns what c undoes, or why c can never be.
	Prepare(c *C) (T, error)
	// Open locks what the cancels undo, reads it in statements of their own, so that what was committed before a lock
	// was got is seen, and returns what stands under their keys.
	Open(ctx context.Context, tx pgx.Tx, cancels []*C, targets []T) (standing map[string]S, err error)
	// IsOf reports whether the movement under c's key is the one that c asks for.
	IsOf(c *C, target T, stands S) bool
	// Decide returns what is to be written for c, and notes it, or says why it cannot be.
	Decide(c *C, target T) (S, error)
	// Write writes what was decided.
	Write(ctx context.Context, tx pgx.Tx) error
}

// Answer holds what came of one cancel: what stands under its key by now, or why it does not.
type Answer[S any] struct {
	Key     string
	Outcome money.Outcome
	Stands  S              // of Undone and Replayed
	Refusal *money.Refusal // of Refused and Conflict
}

// UndoAll works a batch of cancels in tx, as if one had been asked after the other, and answers in the order asked.
func UndoAll[C, T, S any](ctx context.Context, tx pgx.Tx, u Undoing[C, T, S], keyOf func(*C) string,
	cancels []C,
) ([]Answer[S], error) {
	all := make([]Answer[S], len(cancels))
	at, asked, targets := make([]int, 0, len(cancels)), make([]*C, 0, len(cancels)), make([]T, 0, len(cancels))
	for n := range cancels {
		all[n].Key = keyOf(&cancels[n])
		target, err := u.Prepare(&cancels[n])
		if err == nil {
			at, asked, targets = append(at, n), append(asked, &cancels[n]), append(targets, target)
		} else if err := all[n].refuse(money.Refused, err); err != nil {
			return nil, err
		}
	}
	standing, err := u.Open(ctx, tx, asked, targets)
	if err != nil {
		return nil, err
	}
	for i, c := range asked {
		if err := settle(u, standing, c, targets[i], &all[at[i]]); err != nil {
			return nil, err
		}
	}
	return all, u.Write(ctx, tx)
}

// settle answers one cancel by what stands under its key, or decides it, so that it stands there for the cancels behind
// it.
func settle[C, T, S any](u Undoing[C, T, S], standing map[string]S, c *C, target T, a *Answer[S]) error {
	if stands, taken := standing[a.Key]; taken {
		if !u.IsOf(c, target, stands) {
			return a.refuse(money.Conflict, money.ErrKeyTaken)
		}
		a.Outcome, a.Stands = money.Replayed, stands
		return nil
	}
	stands, err := u.Decide(c, target)
	if err != nil {
		return a.refuse(money.Refused, err)
	}
	standing[a.Key] = stands
	a.Outcome, a.Stands = money.Undone, stands
	return nil
}

// refuse notes why the cancel is not made. An error that is no *Refusal ends the batch: it is returned.
func (a *Answer[S]) refuse(as money.Outcome, why error) error {
	if !errors.As(why, &a.Refusal) {
		return why
	}
	a.Outcome = as
	return nil
}

// Batch works a batch of cancels in a transaction of its own. what names what is cancelled, for errors; work is
// [UndoAll] and what makes its answers ready.
func Batch[C, A any](ctx context.Context, pool *pgxpool.Pool, deadline time.Time, what string, cancels []C,
	work func(pgx.Tx) ([]A, error), outcome func(*A) money.Outcome,
) ([]A, error) {
	if len(cancels) > money.MaxCancels {
		return nil, fmt.Errorf("%w: %d, and %d is the most", money.ErrTooMany, len(cancels), money.MaxCancels)
	}
	answers, err := Run(ctx, pool, deadline, func(tx pgx.Tx) ([]A, bool, error) {
		answers, err := work(tx)
		return answers, slices.ContainsFunc(answers, func(a A) bool { return outcome(&a) == money.Undone }), err
	})
	if err != nil {
		return nil, fmt.Errorf("cancel %d %s: %w", len(cancels), what, err)
	}
	return answers, nil
}
