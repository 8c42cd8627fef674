package moneyhttp_test

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"bestow/internal/logtest"
	"bestow/internal/moneytest"
	"bestow/internal/pg"
	"bestow/internal/pgtest"
	"bestow/money"
	"bestow/money/moneyclient"
	"bestow/money/moneydb"

	"github.com/stretchr/testify/require"
)

// throughWay is a ledger that reaches its database by a way that can break.
func throughWay(t *testing.T, b bundle) (*pgtest.Way, bundle) {
	t.Helper()
	way := pgtest.Through(t, b.pool)
	far := bundle{TB: t, pool: b.pool, log: &logtest.Log{}}
	far.ledger, far.url = serveAt(t, moneydb.Config{Pool: way.Pool, Master: b.master}, far.log)
	far.client = newClient(t, moneyclient.Config{URL: far.url, Token: token})
	return way, far
}

// A COMMIT whose answer is lost was done: no answer of the ledger says that nothing was applied, and the same key again
// is a replay.
func TestLostAnswerToCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	way, far := throughWay(t, b)
	taken := items(1)
	_, err := b.client.GrantPoints(t.Context(), moneytest.Soon(), taken)
	require.NoError(t, err)
	for name, asked := range map[string][]money.Item{
		"the fast way": items(3)[1:2],
		"the slow way": append(items(4)[2:], taken...),
	} {
		way.LoseAnswer()
		_, err = far.client.GrantPoints(t.Context(), moneytest.Soon(), asked)
		var unclear *moneyclient.UnclearError
		require.ErrorAs(t, err, &unclear, name)
		require.Equal(t, http.StatusInternalServerError, unclear.Status)
		again, err := far.client.GrantPoints(t.Context(), moneytest.Soon(), asked)
		require.NoError(t, err)
		require.NotContains(t, outcomes(again), money.Granted, "%s: it was applied", name)
	}
	way.LoseAnswer()
	said := far.send("POST", "/money/v1/members/kim/saves", `{"amount":5,"type_code":"BUY","ref":"1"}`,
		with("Idempotency-Key", "kim-1"))
	require.Equal(t, http.StatusInternalServerError, said.status, said.body)
	require.Contains(t, said.body, "unknown_outcome")
}

// What fails after the COMMIT does not look like a connection that did not come about, by which a caller in the same
// process takes it that nothing was applied.
func TestDatabaseIsGoneAfterTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	way, far := throughWay(t, b)
	taken := items(1)
	_, err := b.client.GrantVouchers(t.Context(), moneytest.Soon(), taken)
	require.NoError(t, err)
	fresh := items(2)[1:]
	taken[0].Ref, fresh[0].Ref = "8", "8" // so that the key of the taken one is still to be read
	way.EndAfterCommit()
	_, err = far.ledger.GrantVouchers(t.Context(), moneytest.Soon(), append(fresh, taken...))
	require.ErrorContains(t, err, "after the commit")
	_, dial := errors.AsType[*net.OpError](err)
	require.False(t, dial)
	found, err := b.client.LookupVouchers(t.Context(), []string{fresh[0].Key})
	require.NoError(t, err)
	require.True(t, found[0].Known)
}

// A movement that was applied and whose balance cannot be read is not told as one that was not.
func TestBalanceIsGoneAfterTheCommit(t *testing.T) {
	t.Parallel()
	way, far := throughWay(t, setup(t))
	way.EndAfterCommit()
	said := far.send("POST", "/money/v1/members/kim/saves", `{"amount":5,"type_code":"BUY","ref":"1"}`,
		with("Idempotency-Key", "kim-1"))
	require.Equal(t, http.StatusInternalServerError, said.status, said.body)
}

// budget_ms counts from the arrival of the request, whatever it waits for. What stands under its keys was not found
// out, so that it is not told that the deadline has passed.
func TestBudgetCountsFromTheArrival(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pool, err := pg.Open(t.Context(), b.pool.Config().ConnString(), pg.Options{MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, url := serveAt(t, moneydb.Config{Pool: pool}, &logtest.Log{})
	held, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	release := sync.OnceFunc(held.Release)
	t.Cleanup(release) // before the pool is closed
	far := bundle{TB: t, url: url}
	said := far.send("POST", "/money/v1/points/grants",
		`{"budget_ms":100,"items":[{"idempotency_key":"k","member_id":"m","amount":1,"type_code":"EVT"}]}`)
	require.Equal(t, http.StatusServiceUnavailable, said.status, said.body)
	release()
	found, err := b.client.LookupPoints(t.Context(), []string{"k"})
	require.NoError(t, err)
	require.False(t, found[0].Known)
}

// A request that may take a year is not applied after a minute: the ledger's own bound is the session's.
func TestLongDeadlineIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.pool.Exec(t.Context(), `CREATE TABLE money.limits (ms int);
		CREATE FUNCTION money.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO money.limits SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'; RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER note AFTER INSERT ON money.point_member DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION money.note()`)
	require.NoError(t, err)
	_, err = b.client.GrantPoints(t.Context(), time.Now().AddDate(1, 0, 0), items(1))
	require.NoError(t, err)
	require.LessOrEqual(t, b.count(`SELECT max(ms) FROM money.limits`), 60_000)
}

// A negative budget is none, however large.
func TestNegativeBudget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, ms := range []int64{-1, -9_300_000_000_000, -1 << 63} {
		said := b.send("POST", "/money/v1/points/grants",
			`{"budget_ms":`+strconv.FormatInt(ms, 10)+
				`,"items":[{"idempotency_key":"k","member_id":"m","amount":1,"type_code":"EVT"}]}`)
		require.Equal(t, http.StatusGatewayTimeout, said.status, "%d: %s", ms, said.body)
	}
}

// A request that is sent again after its deadline is told what was applied. 504 is for a key that stands for nothing.
func TestReplayAfterTheDeadline(t *testing.T) {
	t.Parallel()
	b := setup(t)
	late := with("Bestow-Deadline", "2026-01-01T00:00:00Z")
	saved := b.saved("m", 100)
	used := b.post(201, "/members/m/uses", "used", `{"amount":40,"type_code":"SHOP","ref":"r"}`)
	id, _ := used["money_tx_id"].(string)
	b.post(201, "/members/m/movements/"+id+"/cancel", "back", `{"amount":10}`)
	for path, asked := range map[string][2]string{
		"/members/m/saves":                       {"save m 0", `{"amount":100,"type_code":"BUY","ref":"order 0"}`},
		"/members/m/uses":                        {"used", `{"amount":40,"type_code":"SHOP","ref":"r"}`},
		"/members/m/movements/" + id + "/cancel": {"back", `{"amount":10}`},
	} {
		for key, status := range map[string]int{asked[0]: 200, "free": 504} {
			said := b.send("POST", "/money/v1"+path, asked[1], late, with("Idempotency-Key", key))
			require.Equal(t, status, said.status, "%s %s: %s", path, key, said.body)
		}
	}
	grant := `{"budget_ms":0,"items":[{"idempotency_key":"save m 0","member_id":"m","amount":100,"type_code":"BUY"}]}`
	said := b.send("POST", "/money/v1/points/grants", grant)
	require.Equal(t, 200, said.status, said.body)
	require.Contains(t, said.body, `"outcome":"replayed","money_tx_id":"`+saved[0]+`"`)
	require.InDelta(t, 70, b.get("/members/m")["balance"], 0)
}
