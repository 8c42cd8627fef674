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
	asked := cancels{Deadline: &deadline, BudgetMS: budget(ctx), Items: make([]cancelItem, len(all))}
	for n := range all {
		asked.Items[n] = wireCancel(&all[n])
	}
	var got cancelAnswers
	if err := c.call(ctx, http.MethodPost, "points/cancels", asked, &got); err != nil {
		return nil, err
	}
	answers := make([]money.CancelAnswer, len(got.Items))
	for n := range got.Items {
		answers[n] = got.Items[n].ours()
	}
	return answers, nil
}

// CancelVouchers asks the ledger to cancel vouchers, as money.Ledger.CancelVouchers does. Errors: those of CancelSaves.
func (c *Client) CancelVouchers(ctx context.Context, deadline time.Time, all []money.VoucherCancel) ([]money.VoucherCancelAnswer, error) {
	asked := voucherCancels{Deadline: &deadline, BudgetMS: budget(ctx), Items: wireVoucherCancels(all)}
	var got voucherCancelAnswers
	if err := c.call(ctx, http.MethodPost, "vouchers/cancels", asked, &got); err != nil {
		return nil, err
	}
	answers := make([]money.VoucherCancelAnswer, len(got.Items))
	for n := range got.Items {
		answers[n] = got.Items[n].ours()
	}
	return answers, nil
}
