package moneyclient

import (
	"context"
	"net/http"
	"time"

	"bestow/money"
	"bestow/money/moneyhttp/wire"
)

// CancelSaves asks the ledger to undo saves, as moneydb.Ledger.CancelSaves does. Errors: money.ErrDeadline,
// money.ErrTooMany, and as said of the [Client].
func (c *Client) CancelSaves(ctx context.Context, deadline time.Time,
	all []money.Cancel,
) ([]money.CancelAnswer, error) {
	return askCancels(ctx, c, "points/cancels", deadline, wire.Each(all, wire.NewCancelItem),
		(*wire.CancelAnswer).Money)
}

// CancelVouchers asks the ledger to cancel vouchers, as moneydb.Ledger.CancelVouchers does. Errors: those of
// CancelSaves.
func (c *Client) CancelVouchers(ctx context.Context, deadline time.Time,
	all []money.VoucherCancel,
) ([]money.VoucherCancelAnswer, error) {
	return askCancels(ctx, c, "vouchers/cancels", deadline, wire.Each(all, wire.NewVoucherCancel),
		(*wire.VoucherCancelAnswer).Money)
}

func askCancels[I, A, O any](ctx context.Context, c *Client, route string, deadline time.Time, items []I,
	ours func(*A) O,
) ([]O, error) {
	var got wire.CancelAnswers[A]
	asked := wire.Cancels[I]{Deadline: &deadline, BudgetMS: budget(ctx), Items: items}
	if err := c.call(ctx, http.MethodPost, route, asked, &got); err != nil {
		return nil, err
	}
	if len(got.Items) != len(items) {
		return nil, &UnclearError{Status: http.StatusOK, Why: miscounted(len(got.Items), len(items))}
	}
	return wire.Each(got.Items, ours), nil
}
