//go:build failpoint

package main

import (
	"time"

	"bestow/app/command"
	"bestow/money"
	"bestow/money/moneydb"

	"github.com/stretchr/testify/require"
)

// A member saves, uses, has an order and a save cancelled, and owes; a voucher is cancelled; and a lot expires.
func (k *walk) walkTheLedger() {
	k.Helper()
	ledger, err := moneydb.New(moneydb.Config{Pool: k.pool})
	require.NoError(k, err)
	soon := func() time.Time { return time.Now().Add(time.Minute) }
	var saved, used money.Moved
	k.do(func(command.Caller) (err error) {
		saved, err = ledger.Save(k.ctx, soon(),
			money.Item{Key: "walk:save", MemberID: "walker", Amount: 100, TypeCode: "RV", Ref: "review"})
		return err
	})
	k.do(func(command.Caller) (err error) {
		used, err = ledger.Use(k.ctx, soon(),
			money.Spending{Key: "walk:use", MemberID: "walker", Amount: 60, TypeCode: "ORDER", Ref: "order"})
		return err
	})
	k.do(func(command.Caller) error {
		_, err := ledger.Cancel(k.ctx, soon(),
			money.Cancel{Key: "walk:order", MemberID: "walker", TxID: used.TxID, Amount: 10})
		return err
	})
	k.do(func(command.Caller) error {
		_, err := ledger.Cancel(k.ctx, soon(),
			money.Cancel{Key: "walk:clawback", MemberID: "walker", TxID: saved.TxID, OnUsed: money.OweUsed})
		return err
	})
	k.do(func(command.Caller) error {
		const query = `SELECT member_id, 'V' || voucher_id FROM money.vouchers ORDER BY voucher_id LIMIT 1`
		c := money.VoucherCancel{Key: "walk:voucher"}
		if err := k.pool.QueryRow(k.ctx, query).Scan(&c.MemberID, &c.TxID); err != nil {
			return err
		}
		_, err := ledger.CancelVouchers(k.ctx, soon(), []money.VoucherCancel{c})
		return err
	})
	expiry := time.Now().Add(5 * time.Second)
	k.do(func(command.Caller) error {
		_, err := ledger.Save(k.ctx, soon(),
			money.Item{
				Key: "walk:brief", MemberID: "walker", Amount: 5, TypeCode: "RV", Ref: "review",
				ExpiryAt: &expiry,
			})
		return err
	})
	k.do(func(command.Caller) error { _, err := ledger.Collect(k.ctx, ""); return err })
	k.do(func(command.Caller) error {
		_, err := ledger.Save(k.ctx, soon(),
			money.Item{
				Key: "walk:idle", MemberID: "idler", Amount: 5, TypeCode: "RV", Ref: "review",
				ExpiryAt: &expiry,
			})
		return err
	})
	require.Eventually(k, func() bool {
		k.do(func(command.Caller) error { _, err := ledger.ListDue(k.ctx); return err })
		k.do(func(command.Caller) error { _, err := ledger.ExpireDue(k.ctx); return err })
		return k.count(`SELECT count(*) FROM money.point_member WHERE point_status_code = 'E'`) == 1
	}, time.Minute, 50*time.Millisecond)
	require.Equal(k, 45, k.count(`SELECT owed FROM money.point_account WHERE member_id = 'walker'`))
}
