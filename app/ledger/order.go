package ledger

import (
	"context"
	"errors"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// order is a change of a policy as the audit keeps it. No transaction spans the audit and the ledger, so there are two
// rows: what is wanted, before the ledger is asked, and what came of it. An order without an outcome is one that the
// ledger may have carried out: the process ended, or no answer came.
type order struct {
	pool  *pgxpool.Pool
	by    command.Caller
	code  string // of the policy
	begun bool
}

// begin keeps what is wanted of the policy, which is as before. A second call keeps nothing.
func (o *order) begin(ctx context.Context, action string, before, wanted any) error {
	if o.begun {
		return nil
	}
	err := o.record(ctx, command.Change{Action: action, Before: before, After: wanted})
	o.begun = err == nil
	return err
}

// refused keeps why the ledger did not carry out an order, if err says so, and returns err.
func (o *order) refused(ctx context.Context, err error) error {
	why, ok := errors.AsType[*domain.Error](err)
	if !o.begun || !ok || why.Code == domain.Unavailable {
		return err
	}
	ctx, cancel := outcome(ctx)
	defer cancel()
	change := command.Change{Action: "policy.refused", After: map[string]any{"code": why.Code}}
	return errors.Join(err, o.record(ctx, change))
}

// end keeps what came of the order, if it was begun, and the answer for the caller's key.
func (o *order) end(ctx context.Context, p Policy, c command.Change) (command.Answer[Policy], error) {
	ctx, cancel := outcome(ctx)
	defer cancel()
	return command.Run(ctx, o.pool, o.by, command.Command[Policy]{Do: func(tx pgx.Tx) (Policy, error) {
		if !o.begun {
			return p, nil
		}
		return p, o.recordIn(ctx, tx, c)
	}})
}

func (o *order) record(ctx context.Context, c command.Change) error {
	return pg.InTx(ctx, o.pool, func(tx pgx.Tx) error { return o.recordIn(ctx, tx, c) })
}

func (o *order) recordIn(ctx context.Context, tx pgx.Tx, c command.Change) error {
	c.Object = "policy " + o.code
	return command.Record(ctx, tx, o.by, c)
}

// outcome returns a context that lasts when the caller has gone away: the ledger has answered by then.
func outcome(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), command.Wait)
}
