package main

import (
	"path/filepath"
	"testing"
	"time"

	"bestow/app/verify"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/pgtest"
	"bestow/internal/proc"

	"github.com/stretchr/testify/require"
)

// ledgerProcess is the ledger of a world as a process of its own, which can be killed and started again at its address.
type ledgerProcess struct {
	*world
	program proc.Program
	now     *proc.Child
}

func (w *world) ledgerProcess(binary string) *ledgerProcess {
	w.Helper()
	ports, err := proc.FreePorts(w.Context(), 2)
	require.NoError(w, err)
	w.cfg.MoneyURL = "http://" + proc.Address(ports[0])
	l := &ledgerProcess{world: w, program: proc.Program{
		Name: "money", Args: []string{binary, "serve", "--roles", daemon.RoleMoney},
		Log: filepath.Join(w.TempDir(), "money.log"),
		Env: []string{
			"DATABASE_URL=" + w.cfg.DatabaseURL, "BESTOW_MASTER_KEY=" + w.cfg.MasterKey,
			"BESTOW_MONEY_TOKEN=" + moneyToken,
			"BESTOW_MONEY_ADDR=" + proc.Address(ports[0]), "BESTOW_OPS_ADDR=" + proc.Address(ports[1]),
		},
	}}
	l.start()
	w.Cleanup(func() { l.now.Kill() })
	return l
}

func (l *ledgerProcess) start() {
	l.Helper()
	var err error
	l.now, err = l.program.Start(l.Context())
	require.NoError(l, err)
}

// different counts the members whose entries in the ledger are not those of memberList(n).
func (l *ledgerProcess) different(n int) int {
	l.Helper()
	return l.count(`WITH list AS (SELECT 'm' || lpad(i::text, 7, '0'), (100 + i % 7 * 100)::bigint FROM generate_series(0, $1 - 1) i),
			ledger AS (SELECT member_id::text, point FROM money.point_member)
		SELECT (SELECT count(*) FROM (TABLE list EXCEPT ALL TABLE ledger) missing) + (SELECT count(*) FROM (TABLE ledger EXCEPT ALL TABLE list) surplus)`, n)
}

// The campaign's road with the ledger as a process with a database of its own, which is killed five times meanwhile:
// each member of the list stands in the ledger once, with the list's amount.
func TestLedgerIsAProcessThatIsKilled(t *testing.T) {
	t.Parallel()
	members := pgtest.Times(t, "BESTOW_TEST_LEDGER_MEMBERS", 6_000)
	w, theirs := newWorld(t), newWorld(t)
	theirs.otherLedgerID()
	ledger := theirs.ledgerProcess(build(t))
	w.cfg.MoneyURL, w.cfg.MoneyToken = theirs.cfg.MoneyURL, moneyToken
	p, _ := w.start(t.Context(), quickLooks, campaignRoles...)
	e := w.event(p, "POINT", members)
	began := time.Now()
	w.run(p, e)
	for kill := range 5 {
		require.Eventually(t, func() bool {
			return w.count(`SELECT success_count FROM campaign_event_summary WHERE event_id = $1`,
				e.ID) > kill*members/7
		}, 5*time.Minute, 5*time.Millisecond)
		require.Equal(t, domain.Running, w.get(p, e.ID).Status, "there is something left to kill")
		ledger.now.Kill()
		ledger.start()
	}
	done := w.completed(p, e.ID)
	t.Logf("%d members in %s", members, time.Since(began).Round(time.Millisecond))
	require.Zero(t, ledger.different(members))
	require.Equal(t, []int{members, members, 0}, []int{done.Summary.Published, done.Summary.Success, done.Summary.Fail})
	report, err := p.App.Verify.Verify(t.Context(), verify.Query{})
	require.NoError(t, err)
	for _, i := range report.Invariants {
		// what needs the ledger is not compared
		require.Zero(t, i.Differences, "%s %s: %v", i.ID, i.Statement, i.Examples)
	}
	require.Zero(t, w.count(`SELECT count(*) FROM money.point_member`))
	require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
}
