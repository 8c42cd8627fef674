package moneyhttp

import (
	"context"
	"time"

	"bestow/money/moneyhttp/wire"
)

type cancelsInput[I any] struct {
	Deadline string `header:"Bestow-Deadline" doc:"RFC 3339; as deadline in the body, of which the earlier one counts; a minute from the arrival at most"`
	Body     body[wire.Cancels[I]]
}

type cancelsOutput[A any] struct{ Body wire.CancelAnswers[A] }

// cancelSaves undoes saves of many members in one transaction.
func (s *Server) cancelSaves(ctx context.Context,
	in *cancelsInput[wire.CancelItem],
) (*cancelsOutput[wire.CancelAnswer], error) {
	return cancelAll(ctx, s, in, (*wire.CancelItem).Money, s.ledger.CancelSaves, wire.NewCancelAnswer)
}

// cancelVouchers cancels vouchers of many members in one transaction.
func (s *Server) cancelVouchers(ctx context.Context,
	in *cancelsInput[wire.VoucherCancel],
) (*cancelsOutput[wire.VoucherCancelAnswer], error) {
	return cancelAll(ctx, s, in, (*wire.VoucherCancel).Money, s.ledger.CancelVouchers, wire.NewVoucherCancelAnswer)
}

// cancelAll has the ledger do the cancels of a request: I and A are an item and its answer as they are sent, C and O as
// the ledger has them.
func cancelAll[I, C, O, A any](ctx context.Context, s *Server, in *cancelsInput[I], ours func(*I) C,
	do func(context.Context, time.Time, []C) ([]O, error), answer func(*O) A,
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
	answers, err := do(ctx, deadline, wire.Each(asked.Items, ours))
	if err != nil {
		return nil, err
	}
	return &cancelsOutput[A]{wire.CancelAnswers[A]{Items: wire.Each(answers, answer)}}, nil
}
