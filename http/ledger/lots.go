package ledger

import (
	"context"

	"bestow/app/ledger"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// DescribeLots describes the routes of Lots and Lot.
func (*Handlers) DescribeLots(o *huma.Operation) {
	o.Description = "Of the ledger of points of this installation, whichever granter saved there. A member whom no save " +
		"knows has no lots. " + away
}

// LotsIn is a request for a page of a member's lots.
type LotsIn struct {
	web.MemberPath

	Limit  int    `query:"limit" minimum:"1" maximum:"999" default:"100"`
	Cursor string `query:"cursor" maxLength:"100" doc:"next_cursor of the page before"`
}

// LotsOut is a page of a member's lots.
type LotsOut struct{ Body api.Lots }

// Lots answers with a member's lots, the newest first, and what became of them.
func (h *Handlers) Lots(ctx context.Context, in *LotsIn) (*LotsOut, error) {
	before, err := web.LotCursor.ReadText(in.Cursor)
	if err != nil {
		return nil, err
	}
	list, err := h.ledger.Lots(ctx, in.Member, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	list, next := web.Page(list, in.Limit, func(l ledger.Lot) string { return web.LotCursor.WriteText(l.MoneyTxID) })
	out := &LotsOut{api.Lots{Items: make([]api.Lot, len(list)), NextCursor: next}}
	for n, l := range list {
		out.Body.Items[n] = wireLot(l)
	}
	return out, nil
}

// LotIn is a request for one lot.
type LotIn struct {
	web.MemberPath

	MoneyTxID string `path:"money_tx_id" example:"P17"`
}

// LotOut is one lot.
type LotOut struct{ Body api.Lot }

// Lot answers with the lot of a save, and what was drawn from it.
func (h *Handlers) Lot(ctx context.Context, in *LotIn) (*LotOut, error) {
	l, err := h.ledger.Lot(ctx, in.Member, in.MoneyTxID)
	if err != nil {
		return nil, err
	}
	return &LotOut{wireLot(l)}, nil
}

func wireLot(l ledger.Lot) api.Lot {
	wire := api.Lot{
		MoneyTxID: l.MoneyTxID, Amount: l.Amount, Left: l.Left, Used: l.Used, Cancelled: l.Cancelled, Expired: l.Expired,
		TypeCode: l.TypeCode, Ref: api.OrNull(l.Ref), Reason: api.OrNull(l.Reason), CreatedAt: l.CreatedAt.UTC(),
		ExpiryAt: api.UTC(l.ExpiryAt),
	}
	for _, d := range l.Draws {
		wire.Draws = append(wire.Draws, api.Draw{
			MoneyTxID: d.MoneyTxID, Kind: d.Kind, Amount: d.Amount, CreatedAt: d.CreatedAt.UTC(),
		})
	}
	return wire
}
