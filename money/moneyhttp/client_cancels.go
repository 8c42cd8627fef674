package moneyhttp

import (
	"context"
	"net/http"
	"time"

	"bestow/money"
)

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
