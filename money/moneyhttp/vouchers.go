package moneyhttp

import (
	"context"

	"bestow/money"
)

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
