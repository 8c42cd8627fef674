package moneyhttp

import (
	"context"
	"net/http"
	"time"

	"bestow/money"
)

// cancels is the body of a route that cancels what many members have, in one transaction.
type cancels[I any] struct {
	Deadline *time.Time `json:"deadline,omitzero" doc:"nothing is applied after it; default: 10 s from now, at most: a minute"`
	BudgetMS *int64     `json:"budget_ms,omitzero" doc:"the same in milliseconds from the arrival of the request; the earlier one counts"`
	Items    []I        `json:"items" nullable:"false" doc:"at most 1,000"`
}

// cancelAnswers is its answer: one for each item, in the order asked.
type cancelAnswers[A any] struct {
	Items []A `json:"items" nullable:"false"`
}

type cancelsInput[I any] struct {
	Deadline string `header:"Bestow-Deadline" doc:"RFC 3339; as deadline in the body, of which the earlier one counts; a minute from the arrival at most"`
	Body     body[cancels[I]]
}

type cancelsOutput[A any] struct{ Body cancelAnswers[A] }

// cancelSaves undoes saves of many members in one transaction.
func (s *Server) cancelSaves(ctx context.Context, in *cancelsInput[cancelItem]) (*cancelsOutput[cancelAnswer], error) {
	return cancelAll(ctx, s, in, (*cancelItem).ours, s.ledger.CancelSaves, wireCancelAnswer)
}

// cancelVouchers cancels vouchers of many members in one transaction.
func (s *Server) cancelVouchers(ctx context.Context, in *cancelsInput[voucherCancel]) (*cancelsOutput[voucherCancelAnswer], error) {
	return cancelAll(ctx, s, in, (*voucherCancel).ours, s.ledger.CancelVouchers, wireVoucherCancelAnswer)
}

// cancelAll has the ledger do the cancels of a request: I and A are an item and its answer as they are sent, C and O as the
// ledger has them.
func cancelAll[I, C, O, A any](ctx context.Context, s *Server, in *cancelsInput[I], ours func(*I) C,
	do func(context.Context, time.Time, []C) ([]O, error), wire func(*O) A,
) (*cancelsOutput[A], error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	if asked.Items == nil {
		return nil, missing("items")
	}
	deadline, ctx, done, err := s.deadlineOf(ctx, times{in.Deadline, asked.Deadline, asked.BudgetMS})
	if err != nil {
		return nil, err
	}
	defer done()
	answers, err := do(ctx, deadline, each(asked.Items, ours))
	if err != nil {
		return nil, err
	}
	return &cancelsOutput[A]{cancelAnswers[A]{each(answers, wire)}}, nil
}

// CancelSaves asks the ledger to undo saves, as money.Ledger.CancelSaves does. Errors: money.ErrDeadline, money.ErrTooMany, and as
// said of the [Client].
func (c *Client) CancelSaves(ctx context.Context, deadline time.Time, all []money.Cancel) ([]money.CancelAnswer, error) {
	return askCancels(ctx, c, "points/cancels", deadline, each(all, wireCancel), (*cancelAnswer).ours)
}

// CancelVouchers asks the ledger to cancel vouchers, as money.Ledger.CancelVouchers does. Errors: those of CancelSaves.
func (c *Client) CancelVouchers(ctx context.Context, deadline time.Time, all []money.VoucherCancel) ([]money.VoucherCancelAnswer, error) {
	return askCancels(ctx, c, "vouchers/cancels", deadline, each(all, wireVoucherCancel), (*voucherCancelAnswer).ours)
}

func askCancels[I, A, O any](ctx context.Context, c *Client, route string, deadline time.Time, items []I, ours func(*A) O) ([]O, error) {
	var got cancelAnswers[A]
	asked := cancels[I]{Deadline: &deadline, BudgetMS: budget(ctx), Items: items}
	if err := c.call(ctx, http.MethodPost, route, asked, &got); err != nil {
		return nil, err
	}
	if len(got.Items) != len(items) {
		return nil, &UnclearError{Status: http.StatusOK, Why: miscounted(len(got.Items), len(items))}
	}
	return each(got.Items, ours), nil
}

// each returns what f makes of all, in their order.
func each[T, U any](all []T, f func(*T) U) []U {
	made := make([]U, len(all))
	for n := range all {
		made[n] = f(&all[n])
	}
	return made
}
