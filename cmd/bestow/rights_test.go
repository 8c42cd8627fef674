package main

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/internal/seal"
	"bestow/money"
	"bestow/money/moneydb"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// ledgerRole makes a role with the rights that docs/rights.md gives the ledger, and returns the address of a session
// that has it.
func (w *world) ledgerRole() (address string) {
	w.Helper()
	sql := sqlOfRights(w, "CREATE ROLE bestow_ledger")
	role := "ledger_" + strings.ToLower(rand.Text())
	w.exec(strings.ReplaceAll(sql, "bestow_ledger", role))
	w.Cleanup(func() {
		_, err := w.pool.Exec(context.WithoutCancel(w.Context()), `DROP OWNED BY `+role+`; DROP ROLE `+role)
		require.NoError(w, err)
	})
	return withRole(w, w.cfg.DatabaseURL, role)
}

// serviceRole makes a role with the rights that docs/rights.md gives a process with all roles, and returns the address of
// a session that signs in as it.
func (w *world) serviceRole() (role, address string) {
	w.Helper()
	role, password := "service_"+strings.ToLower(rand.Text()), rand.Text()
	for _, text := range []string{"CREATE ROLE bestow_service", "GRANT INSERT ON audit_log"} {
		w.exec(strings.NewReplacer("bestow_service", role, "…", password).Replace(sqlOfRights(w, text)))
	}
	w.Cleanup(func() {
		_, err := w.pool.Exec(context.WithoutCancel(w.Context()), `DROP OWNED BY `+role+`; DROP ROLE `+role)
		require.NoError(w, err)
	})
	at, err := url.Parse(w.cfg.DatabaseURL)
	require.NoError(w, err)
	at.User = url.UserPassword(role, password)
	return role, at.String()
}

// sqlOfRights returns the SQL of docs/rights.md that has the text.
func sqlOfRights(tb testing.TB, text string) string {
	tb.Helper()
	doc, err := os.ReadFile("../../docs/rights.md")
	require.NoError(tb, err)
	for _, rest := range strings.Split(string(doc), "\n```sql\n")[1:] {
		if sql, _, _ := strings.Cut(rest, "\n```\n"); strings.Contains(sql, text) {
			return sql
		}
	}
	require.Fail(tb, "docs/rights.md has no SQL with "+text)
	return ""
}

// withRole returns the address of sessions that have the role.
func withRole(tb testing.TB, address, role string) string {
	tb.Helper()
	at, err := url.Parse(address)
	require.NoError(tb, err)
	q := at.Query()
	q.Set("role", role)
	at.RawQuery = q.Encode()
	return at.String()
}

// The ledger runs apart, by a role that may add to its history and not change it: docs/rights.md.
func TestLedgerHasTheRightsItNeeds(t *testing.T) {
	t.Parallel()
	w, theirs := newWorld(t), newWorld(t)
	theirs.exec(`UPDATE installation SET id = gen_random_uuid()`)
	theirs.otherLedgerID()
	theirs.cfg.DatabaseURL = theirs.ledgerRole()
	theirs.cfg.MoneyToken, theirs.cfg.MoneyAddr = moneyToken, "127.0.0.1:0"
	service, _ := theirs.start(t.Context(), quickLooks, daemon.RoleMoney)
	w.asks(w.serveAt(service.Service))
	p, _ := w.start(t.Context(), quickLooks, campaignRoles...)
	for _, kind := range []string{"POINT", "VOUCHER"} {
		e := w.event(p, kind, 100)
		w.run(p, e)
		require.Equal(t, 100, w.completed(p, e.ID).Summary.Success, kind)
	}
	limited, err := pgxpool.New(t.Context(), theirs.cfg.DatabaseURL)
	require.NoError(t, err)
	t.Cleanup(limited.Close)
	theirs.movesAs(limited)
	for _, sql := range []string{
		`UPDATE money.point_lot SET point = point`, `DELETE FROM money.point_member`,
		`UPDATE money.point_draw SET point = point`, `TRUNCATE money.vouchers`,
		`UPDATE money.voucher_events SET kind = kind`, `DELETE FROM money.seal_keys`, `UPDATE money.ledger SET id = id`,
		`UPDATE campaign_events SET id = id`, `SELECT FROM passwords`, `SELECT FROM sessions`, `SELECT FROM api_keys`,
		`DELETE FROM money.point_cancel`, `CREATE TABLE money.mine ()`,
	} {
		_, err := limited.Exec(t.Context(), sql)
		var refused *pgconn.PgError
		require.ErrorAs(t, err, &refused, sql)
		require.Equal(t, "42501", refused.Code, sql)
	}
	_, err = limited.Exec(t.Context(), `UPDATE money.vouchers SET reason = reason`)
	require.ErrorContains(t, err, "the ledger is append-only")
}

// movesAs makes each kind of movement by the sessions of limited: of one member, with policies, debts, expiry and
// vouchers.
func (w *world) movesAs(limited *pgxpool.Pool) {
	w.Helper()
	ctx := w.Context()
	master, err := seal.NewMaster(w.cfg.MasterKey)
	require.NoError(w, err)
	l, err := moneydb.New(moneydb.Config{Pool: limited, Master: master})
	require.NoError(w, err)
	soon := func() time.Time { return time.Now().Add(time.Minute) }
	hold := int64(1_000)
	_, _, err = l.CreatePolicy(ctx, "capped",
		money.PolicyTerms{Name: "Capped", Status: money.PolicyActive, Validity: money.ValidForever, MaxHold: &hold})
	require.NoError(w, err)
	_, err = l.EditPolicy(ctx, "capped", nil,
		func(terms *money.PolicyTerms) error { terms.Name = "Bounded"; return nil })
	require.NoError(w, err)
	saved, err := l.Save(ctx, soon(),
		money.Item{Key: "save", MemberID: "kim", Amount: 100, TypeCode: "RV", Ref: "review", Policy: "capped"})
	require.NoError(w, err)
	used, err := l.Use(ctx, soon(),
		money.Spending{Key: "use", MemberID: "kim", Amount: 60, TypeCode: "ORDER", Ref: "order"})
	require.NoError(w, err)
	_, err = l.Cancel(ctx, soon(), money.Cancel{Key: "order", MemberID: "kim", TxID: used.TxID, Amount: 10})
	require.NoError(w, err)
	_, err = l.CancelSaves(ctx, soon(),
		[]money.Cancel{{Key: "clawback", MemberID: "kim", TxID: saved.TxID, OnUsed: money.OweUsed}})
	require.NoError(w, err)
	expiry := time.Now().Add(5 * time.Second)
	for _, member := range []string{"kim", "lee"} {
		_, err = l.Save(ctx, soon(), money.Item{
			Key: "brief " + member, MemberID: member, Amount: 5, TypeCode: "RV",
			Ref: "review", ExpiryAt: &expiry,
		})
		require.NoError(w, err)
	}
	collected, err := l.Collect(ctx, "")
	require.NoError(w, err)
	require.NotZero(w, collected)
	require.Eventually(w, func() bool {
		_, err := l.ListDue(ctx)
		require.NoError(w, err)
		_, err = l.ExpireDue(ctx)
		require.NoError(w, err)
		return w.count(`SELECT count(*) FROM money.point_member WHERE point_status_code = 'E'`) == 1
	}, time.Minute, 50*time.Millisecond)
	_, err = l.CountForecast(ctx)
	require.NoError(w, err)
	_, err = l.Forecast(ctx, 7)
	require.NoError(w, err)
	voucher := money.VoucherCancel{Key: "voucher"}
	const query = `SELECT member_id, 'V' || voucher_id FROM money.vouchers ORDER BY voucher_id LIMIT 1`
	require.NoError(w, w.pool.QueryRow(ctx, query).Scan(&voucher.MemberID, &voucher.TxID))
	answers, err := l.CancelVouchers(ctx, soon(), []money.VoucherCancel{voucher})
	require.NoError(w, err)
	require.Equal(w, money.Undone, answers[0].Outcome)
}
