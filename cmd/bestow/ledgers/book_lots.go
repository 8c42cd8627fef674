package ledgers

import (
	"context"

	"bestow/app/ledger"
	"bestow/money"
	"bestow/money/moneyhttp/wire"
)

// Lots returns a page of a member's lots.
func (b ownBook) Lots(ctx context.Context, member, before string, limit int) ([]ledger.Lot, error) {
	page, err := b.LotsOf(ctx, money.LotsQuery{MemberID: member, Before: before, Limit: limit})
	list := make([]ledger.Lot, len(page))
	for n := range page {
		list[n] = lotOf(wire.NewLot(&page[n]))
	}
	return list, ownError(err)
}

// Lot returns the lot of a save.
func (b ownBook) Lot(ctx context.Context, member, moneyTxID string) (ledger.Lot, error) {
	l, err := b.Ledger.Lot(ctx, member, moneyTxID)
	return lotOf(wire.NewLot(&l)), ownError(err)
}

// Lots returns a page of a member's lots.
func (b remoteBook) Lots(ctx context.Context, member, before string, limit int) ([]ledger.Lot, error) {
	if err := b.expect(ctx); err != nil {
		return nil, err
	}
	page, err := b.client.Lots(ctx, money.LotsQuery{MemberID: member, Before: before, Limit: limit})
	list := make([]ledger.Lot, len(page.Items))
	for n, l := range page.Items {
		list[n] = lotOf(l)
	}
	return list, remoteError(ctx, err)
}

// Lot returns the lot of a save.
func (b remoteBook) Lot(ctx context.Context, member, moneyTxID string) (ledger.Lot, error) {
	if err := b.expect(ctx); err != nil {
		return ledger.Lot{}, err
	}
	l, err := b.client.Lot(ctx, member, moneyTxID)
	return lotOf(l), remoteError(ctx, err)
}

// lotOf returns l as operators see it.
func lotOf(l wire.Lot) ledger.Lot {
	lot := ledger.Lot{
		MoneyTxID: l.TxID, Amount: l.Amount, Left: l.Left, Used: l.Used, Cancelled: l.Cancelled, Expired: l.Expired,
		TypeCode: l.TypeCode, Ref: l.Ref, Reason: l.Reason, CreatedAt: l.CreatedAt, ExpiryAt: l.ExpiryAt,
	}
	for _, d := range l.Draws {
		lot.Draws = append(lot.Draws, ledger.Draw{MoneyTxID: d.TxID, Kind: d.Kind, Amount: d.Amount, CreatedAt: d.CreatedAt})
	}
	return lot
}
