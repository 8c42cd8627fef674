package moneyhttp

import (
	"context"

	"bestow/money"
)

type voucherCancelsInput struct {
	Deadline string `header:"Bestow-Deadline" doc:"RFC 3339; as deadline in the body, of which the earlier one counts"`
	Body     body[voucherCancels]
}

// cancelVouchers cancels vouchers of many members in one transaction.
func (s *Server) cancelVouchers(ctx context.Context, in *voucherCancelsInput) (*struct{ Body voucherCancelAnswers }, error) {
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
	all := make([]money.VoucherCancel, len(asked.Items))
	for n, i := range asked.Items {
		all[n] = money.VoucherCancel(i)
	}
	said, err := s.ledger.CancelVouchers(ctx, deadline, all)
	if err != nil {
		return nil, err
	}
	return &struct{ Body voucherCancelAnswers }{wireVoucherAnswers(said)}, nil
}

type vouchersInput struct {
	MemberID string `path:"id"`
	Cursor   string `query:"cursor" doc:"next_cursor of the page before"`
	Limit    string `query:"limit" doc:"1 to 1000; default 100"`
}

// vouchers is a page of a member's vouchers.
func (s *Server) vouchers(ctx context.Context, in *vouchersInput) (*struct{ Body vouchers }, error) {
	limit, err := limitOf(in.Limit)
	if err != nil {
		return nil, err
	}
	page, err := s.ledger.Vouchers(ctx, money.VouchersQuery{MemberID: in.MemberID, Before: in.Cursor, Limit: limit})
	if err != nil {
		return nil, err
	}
	wire := vouchers{Items: make([]issuedVoucher, len(page))}
	for n := range page {
		wire.Items[n] = wireIssued(&page[n])
	}
	if len(page) == limit {
		wire.NextCursor = page[len(page)-1].TxID
	}
	return &struct{ Body vouchers }{wire}, nil
}
