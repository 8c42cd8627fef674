package money

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// undoing is a batch of cancels at work: C asks for a cancel, T is what it undoes, and S what stands under its key.
type undoing[C, T, S any] interface {
	// prepare returns what c undoes, or why c can never be.
	prepare(c *C) (T, error)
	// open locks what the cancels undo, reads it in statements of their own, so that what was committed before a lock was got is
	// seen, and returns what stands under their keys.
	open(ctx context.Context, tx pgx.Tx, cancels []*C, targets []T) (standing map[string]S, err error)
	// isOf reports whether what stands under c's key is what c asks for.
	isOf(c *C, target T, stands S) bool
	// decide returns what is to be written for c, and notes it, or says why it cannot be.
	decide(c *C, target T) (S, error)
	// write writes what was decided.
	write(ctx context.Context, tx pgx.Tx) error
}

// batchAnswer is what came of one cancel: what stands under its key by now, or why it does not.
type batchAnswer[S any] struct {
	key     string
	outcome Outcome
	stands  S        // of Undone and Replayed
	refusal *Refusal // of Refused and Conflict
}

// undoAll works a batch of cancels in tx, as if one had been asked after the other, and answers in the order asked.
func undoAll[C, T, S any](ctx context.Context, tx pgx.Tx, u undoing[C, T, S], keyOf func(*C) string, cancels []C) ([]batchAnswer[S], error) {
	all := make([]batchAnswer[S], len(cancels))
	at, asked, targets := make([]int, 0, len(cancels)), make([]*C, 0, len(cancels)), make([]T, 0, len(cancels))
	for n := range cancels {
		all[n].key = keyOf(&cancels[n])
		target, err := u.prepare(&cancels[n])
		if err == nil {
			at, asked, targets = append(at, n), append(asked, &cancels[n]), append(targets, target)
		} else if err := all[n].refuse(Refused, err); err != nil {
			return nil, err
		}
	}
	standing, err := u.open(ctx, tx, asked, targets)
	if err != nil {
		return nil, err
	}
	for i, c := range asked {
		if err := settle(u, standing, c, targets[i], &all[at[i]]); err != nil {
			return nil, err
		}
	}
	return all, u.write(ctx, tx)
}

// settle answers one cancel by what stands under its key, or decides it, so that it stands there for the cancels behind it.
func settle[C, T, S any](u undoing[C, T, S], standing map[string]S, c *C, target T, a *batchAnswer[S]) error {
	if stands, taken := standing[a.key]; taken {
		if !u.isOf(c, target, stands) {
			return a.refuse(Conflict, conflicting())
		}
		a.outcome, a.stands = Replayed, stands
		return nil
	}
	stands, err := u.decide(c, target)
	if err != nil {
		return a.refuse(Refused, err)
	}
	standing[a.key] = stands
	a.outcome, a.stands = Undone, stands
	return nil
}

// refuse notes why the cancel is not made. An error that is no *Refusal ends the batch: it is returned.
func (a *batchAnswer[S]) refuse(as Outcome, why error) error {
	if !errors.As(why, &a.refusal) {
		return why
	}
	a.outcome = as
	return nil
}

// cancelBatch works a batch of cancels in a transaction of its own. what names what is cancelled, for errors; work is undoAll and
// what makes its answers ready.
func cancelBatch[C, A any](ctx context.Context, l *Ledger, deadline time.Time, what string, cancels []C,
	work func(pgx.Tx) ([]A, error), outcome func(*A) Outcome,
) ([]A, error) {
	if len(cancels) > MaxCancels {
		return nil, fmt.Errorf("%w: %d, and %d is the most", ErrTooMany, len(cancels), MaxCancels)
	}
	answers, err := inFrame(ctx, l, deadline, func(tx pgx.Tx) ([]A, bool, error) {
		answers, err := work(tx)
		return answers, slices.ContainsFunc(answers, func(a A) bool { return outcome(&a) == Undone }), err
	})
	if err != nil {
		return nil, fmt.Errorf("cancel %d %s: %w", len(cancels), what, err)
	}
	return answers, nil
}
