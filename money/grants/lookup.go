package grants

import (
	"context"
	"fmt"

	"bestow/money"
)

// LookupPoints says for each key, in the order asked, which save it stands for. Error: ErrTooMany.
func (g *Granter) LookupPoints(ctx context.Context, keys []string) ([]money.Found, error) {
	return g.lookup(ctx, pointBook{g.location}, keys)
}

// LookupVouchers says for each key, in the order asked, which voucher it stands for, with code, PIN and state. Errors:
// ErrTooMany, ErrNoMaster.
func (g *Granter) LookupVouchers(ctx context.Context, keys []string) ([]money.Found, error) {
	if !g.keeper.HasMaster() {
		return nil, money.ErrNoMaster
	}
	found, err := g.lookup(ctx, voucherBook{keeper: g.keeper}, keys)
	if err != nil {
		return nil, err
	}
	return found, g.keeper.AddStates(ctx, found)
}

func (g *Granter) lookup(ctx context.Context, b book, keys []string) ([]money.Found, error) {
	if err := sized(len(keys)); err != nil {
		return nil, err
	}
	usable := make([]string, 0, len(keys))
	for _, key := range keys {
		if money.UsableKey(key) {
			usable = append(usable, key)
		}
	}
	entries, err := b.find(ctx, g.pool, usable)
	if err != nil {
		return nil, fmt.Errorf("look up %d keys: %w", len(keys), err)
	}
	grants := make([]*entry, 0, len(entries))
	byKey := make(map[string]*entry, len(entries))
	for key, e := range entries {
		if e.grant { // another movement under this key is no grant
			grants = append(grants, &e)
			byKey[key] = &e
		}
	}
	if err := b.reveal(ctx, grants); err != nil {
		return nil, fmt.Errorf("look up %d keys: %w", len(keys), err)
	}
	found := make([]money.Found, len(keys))
	for n, key := range keys {
		found[n].Key = key
		if e, ok := byKey[key]; ok {
			found[n] = money.Found{
				Key: key, Known: true, TxID: b.kind().TxID(e.id), MemberID: e.memberID,
				Amount: e.amount, Voucher: e.voucher,
			}
		}
	}
	return found, nil
}
