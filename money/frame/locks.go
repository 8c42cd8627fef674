package frame

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/money"

	"github.com/jackc/pgx/v5"
)

// LockAccounts locks members, sorted and each once, in that order, and returns what they owe. Accounts that are missing
// are made first: made while others are locked, they would be locked out of order.
func LockAccounts(ctx context.Context, tx pgx.Tx, members []string) (map[string]int64, error) {
	if !slices.IsSorted(members) {
		return nil, errors.New("lock members: they are not sorted")
	}
	const create = `INSERT INTO money.point_account (member_id)
		SELECT member_id FROM unnest($1::text[]) WITH ORDINALITY m (member_id, n) ORDER BY n
		ON CONFLICT DO NOTHING`
	if _, err := tx.Exec(ctx, create, members); err != nil {
		return nil, fmt.Errorf("make accounts: %w", err)
	}
	const lock = `SELECT m.member_id, a.owed FROM unnest($1::text[]) m (member_id)
		CROSS JOIN LATERAL (SELECT owed FROM money.point_account WHERE member_id = m.member_id FOR UPDATE) a`
	rows, err := tx.Query(ctx, lock, members)
	if err != nil {
		return nil, fmt.Errorf("lock members: %w", err)
	}
	owed := make(map[string]int64, len(members))
	var member string
	var debt int64
	_, err = pgx.ForEachRow(rows, []any{&member, &debt}, func() error {
		owed[member] = debt
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lock members: %w", err)
	}
	return owed, failpoint.Hit(ctx, failpoint.MoneyAccountLocked)
}

// voucherKeyLocks is the number of locks for the keys of vouchers. Keys share them: a batch has a thousand keys, and
// PostgreSQL has room for some thousand locks.
const voucherKeyLocks = 256

// LockVoucherKeys lets one transaction at a time be the first under a key. Grants and cancels have one space of keys,
// and each a unique index of its own, which sees nothing of the other. A campaign's keys are no cancel's, and need no
// lock.
func LockVoucherKeys(ctx context.Context, tx pgx.Tx, keys []string) error {
	var ids []int64
	for _, key := range keys {
		if !money.OfCampaign(key) {
			hash := fnv.New32a()
			_, _ = hash.Write([]byte(key)) // never fails
			ids = append(ids, int64(hash.Sum32()%voucherKeyLocks))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	return pg.LockAll(ctx, tx, pg.VoucherKeys, slices.Compact(ids))
}
