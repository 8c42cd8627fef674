package inspect

import (
	"context"

	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// DescribeRevealPIN describes the route of RevealPIN.
func (*Handlers) DescribeRevealPIN(o *huma.Operation) {
	o.Description = "The audit keeps who saw it and why. A caller may see ten a minute in each process, and then gets " +
		"429. No answer is kept, so a request that is repeated is one more look."
}

// RevealPINIn is a request to see a voucher's PIN.
type RevealPINIn struct {
	web.MemberPath

	ID   int64 `path:"id" minimum:"1"`
	Body web.Body[api.RevealPIN]
}

// RevealPINOut is a voucher with its PIN.
type RevealPINOut struct {
	CacheControl string `header:"Cache-Control"`
	Body         api.RevealedVoucher
}

// RevealPIN answers with the voucher that the event has given the member.
func (h *Handlers) RevealPIN(ctx context.Context, in *RevealPINIn) (*RevealPINOut, error) {
	wire, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	v, err := h.pins.Reveal(ctx, web.CallerOf(ctx), in.ID, in.Member, wire.Reason)
	if err != nil {
		return nil, err
	}
	return &RevealPINOut{
		CacheControl: "no-store",
		Body: api.RevealedVoucher{
			EventID: v.EventID, MemberID: v.MemberID, Amount: v.Amount, MoneyTxID: v.TxID, VoucherCode: v.Code,
			VoucherPIN: v.PIN, VoucherExpiryAt: api.UTC(v.ExpiryAt),
		},
	}, nil
}
