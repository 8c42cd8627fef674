package money

import (
	"context"
	"fmt"
)

// LookupPoints says for each key, in the order asked, which save it stands for. Error: ErrTooMany.
func (l *Ledger) LookupPoints(ctx context.Context, keys []string) ([]Found, error) {
	return l.lookup(ctx, pointBook{l.Location}, keys)
}

// LookupVouchers says for each key, in the order asked, which voucher it stands for, with code, PIN and state. Errors:
// ErrTooMany, ErrNoMaster.
func (l *Ledger) LookupVouchers(ctx context.Context, keys []string) ([]Found, error) {
	if l.Master == nil {
		return nil, ErrNoMaster
	}
	found, err := l.lookup(ctx, voucherBook{vault: l.vault}, keys)
	if err != nil {
		return nil, err
	}
	return found, l.addStates(ctx, found)
}

// addStates says of each voucher that was found what has become of it.
func (l *Ledger) addStates(ctx context.Context, found []Found) error {
	var members []string
	var ids []int64
	of := make(map[int]voucherID, len(found))
	for n := range found {
		if !found[n].Known {
			continue
		}
		_, id, err := ParseTxID(found[n].TxID)
		if err != nil {
			return err
		}
		of[n] = voucherID{found[n].MemberID, id}
		members, ids = append(members, found[n].MemberID), append(ids, id)
	}
	if len(ids) == 0 {
		return nil
	}
	states, err := selectStates(ctx, l.Pool, members, ids)
	for n, v := range of {
		found[n].State = states[v]
	}
	return err
}

func (l *Ledger) lookup(ctx context.Context, b book, keys []string) ([]Found, error) {
	if err := sized(len(keys)); err != nil {
		return nil, err
	}
	usable := make([]string, 0, len(keys))
	for _, key := range keys {
		if usableKey(key) {
			usable = append(usable, key)
		}
	}
	entries, err := b.find(ctx, l.Pool, usable)
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
	found := make([]Found, len(keys))
	for n, key := range keys {
		found[n].Key = key
		if e, ok := byKey[key]; ok {
			found[n] = Found{key, true, b.kind().txID(e.id), e.memberID, e.amount, e.voucher, ""}
		}
	}
	return found, nil
}
