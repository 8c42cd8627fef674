package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"bestow/app/verify"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/upkeep"
	bestowhttp "bestow/http"
	"bestow/money"
	"bestow/money/moneydb"

	"github.com/stretchr/testify/require"
)

// purses is a world with three members: the points of "late" have run out, "debtor" owes 60 and has 100, and "poor"
// owes all.
func purses(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	ledger, err := moneydb.New(moneydb.Config{Pool: w.pool})
	require.NoError(t, err)
	soon := time.Now().Add(time.Minute)
	save := func(key, member string, amount int64, expiry *time.Time) string {
		saved, err := ledger.Save(t.Context(), soon,
			money.Item{Key: key, MemberID: member, Amount: amount, TypeCode: "RV", Ref: "review", ExpiryAt: expiry})
		require.NoError(t, err)
		return saved.TxID
	}
	save("s1", "late", 70, new(time.Now().Add(5*time.Second)))
	for _, member := range []string{"debtor", "poor"} {
		first := save("first "+member, member, 60, nil)
		_, err = ledger.Use(t.Context(), soon,
			money.Spending{Key: "use " + member, MemberID: member, Amount: 60, TypeCode: "ORDER", Ref: "order"})
		require.NoError(t, err)
		_, err = ledger.Cancel(t.Context(), soon,
			money.Cancel{Key: "cancel " + member, MemberID: member, TxID: first, OnUsed: money.OweUsed})
		require.NoError(t, err)
	}
	save("s2", "debtor", 100, nil)
	require.Eventually(t, func() bool {
		return w.count(`SELECT count(*) FROM money.point_lot WHERE expiry_at <= now()`) == 1
	}, time.Minute, 10*time.Millisecond)
	return w
}

// Points that have run out expire, and those who owe pay, without a word of anybody.
func TestPointsExpireByThemselves(t *testing.T) {
	t.Parallel()
	w := purses(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleJobs)
	require.Eventually(t, func() bool {
		return w.count(`SELECT count(*) FROM money.point_member WHERE point_status_code = 'E' AND member_id = 'late' AND point = -70`) == 1 &&
			w.count(`SELECT sum(owed) FROM money.point_account`) == 60
	}, time.Minute, 20*time.Millisecond)
	require.Equal(t, 40, w.count(`SELECT sum(remaining) FROM money.point_lot`))
	w.verified(p)
	w.exec(`UPDATE money.point_sweep SET began_at = now() - interval '2 hours'`)
	require.Contains(t, w.examined().Checks,
		upkeep.Finding{
			Check: "expiry", Level: upkeep.Fine,
			Text: "no lot has been open for more than an hour past its expiry",
		})
}

// A ledger that runs apart has no jobs, and lets points expire all the same.
func TestPointsExpireInALedgerApart(t *testing.T) {
	t.Parallel()
	w := purses(t)
	w.cfg.MoneyAddr, w.cfg.MoneyToken = "127.0.0.1:0", moneyToken
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleMoney)
	require.Eventually(t, func() bool {
		return w.count(`SELECT count(*) FROM money.point_member WHERE point_status_code = 'E' AND member_id = 'late' AND point = -70`) == 1 &&
			w.count(`SELECT sum(owed) FROM money.point_account`) == 60
	}, time.Minute, 20*time.Millisecond)
	require.Zero(t, w.count(`SELECT count(*) FROM river.river_job`))
}

// BESTOW_EXPIRY=off: nothing expires, debts are paid, and readyz, the doctor and verify say so.
func TestExpiryOff(t *testing.T) {
	t.Parallel()
	w := purses(t)
	w.cfg.Expiry = "off"
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleJobs)
	require.Eventually(t, func() bool {
		return w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'expire' AND state = 'completed'`) == 1 &&
			w.count(`SELECT sum(owed) FROM money.point_account`) == 60
	}, time.Minute, 20*time.Millisecond)
	require.Zero(t, w.count(`SELECT count(*) FROM money.point_member WHERE point_status_code = 'E'`))

	answer := httptest.NewRecorder()
	bestowhttp.NewOps(p.Ops()).ServeHTTP(answer,
		httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	require.Contains(t, answer.Body.String(), `"waits_for":["expiry"]`)
	said := upkeep.Finding{
		Check: "expiry", Level: upkeep.Warning,
		Text: "BESTOW_EXPIRY is off: no points expire by themselves; 1 open lot with 70 points past the expiry",
	}
	require.Eventually(t, func() bool { return slices.Contains(w.examined().Checks, said) }, time.Minute,
		20*time.Millisecond)

	w.exec(`UPDATE money.point_sweep SET began_at = now() - interval '2 hours'`)
	report, err := p.App.Verify.Verify(t.Context(), verify.Query{})
	require.NoError(t, err)
	require.False(t, report.Differs())
	require.Contains(t, report.Conclusion(),
		"not compared: I18: nothing expires by itself (BESTOW_EXPIRY=off), with 1 open lot past the expiry")
	w.exec(`UPDATE money.point_lot SET remaining = 0 WHERE member_id = 'late'`)
	report, err = p.App.Verify.Verify(t.Context(), verify.Query{})
	require.NoError(t, err)
	require.NotContains(t, report.Conclusion(), "I18", "nothing has run out")
}
