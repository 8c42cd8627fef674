package money_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"bestow/internal/logtest"
	"bestow/internal/pgtest"
	"bestow/internal/seal"
	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// bundle is what a test of the ledger needs.
type bundle struct {
	*money.Ledger
	config money.Config
	log    *logtest.Log
}

func setup(tb testing.TB) bundle {
	tb.Helper()
	master, err := seal.NewMaster(seal.GenerateMaster())
	require.NoError(tb, err)
	log := &logtest.Log{}
	config := money.Config{Pool: pgtest.New(tb), Master: master,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	return bundle{newLedger(tb, config), config, log}
}

func newLedger(tb testing.TB, c money.Config) *money.Ledger {
	tb.Helper()
	l, err := money.New(c)
	require.NoError(tb, err)
	return l
}

// granting is one of the two grant methods.
type granting func(context.Context, time.Time, []money.Item) ([]money.Answer, error)

// subject is a grant method with a database of its own.
type subject struct {
	bundle
	t     *testing.T
	grant granting
	table string // where its keys stand
}

// eachKind runs test for points and for vouchers.
func eachKind(t *testing.T, test func(s subject)) {
	t.Helper()
	t.Run("points", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		test(subject{b, t, b.GrantPoints, "money.point_member"})
	})
	t.Run("vouchers", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		test(subject{b, t, b.GrantVouchers, "money.vouchers"})
	})
}

func soon() time.Time { return time.Now().Add(time.Minute) }

// item is a good one, of its own key and member.
func item(n int) money.Item {
	member := fmt.Sprintf("회원%05d", n)
	return money.Item{Key: "grant:7:" + member, MemberID: member, Amount: 1000 + int64(n), TypeCode: "CM", Ref: "7", Reason: "봄 축제"}
}

func items(n int) []money.Item {
	all := make([]money.Item, n)
	for i := range all {
		all[i] = item(i)
	}
	return all
}

// ask grants and expects no error.
func ask(tb testing.TB, grant granting, items ...money.Item) []money.Answer {
	tb.Helper()
	answers, err := grant(tb.Context(), soon(), items)
	require.NoError(tb, err)
	require.Len(tb, answers, len(items))
	for i, a := range answers {
		require.Equal(tb, items[i].Key, a.Key, "answers come in the order asked")
	}
	return answers
}

func outcomes(answers []money.Answer) []money.Outcome {
	all := make([]money.Outcome, len(answers))
	for i, a := range answers {
		all[i] = a.Outcome
	}
	return all
}

func scan[T any](tb testing.TB, pool *pgxpool.Pool, sql string, args ...any) T {
	tb.Helper()
	rows, err := pool.Query(tb.Context(), sql, args...)
	require.NoError(tb, err)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	require.NoError(tb, err)
	return v
}

func count(tb testing.TB, pool *pgxpool.Pool, table string) int {
	tb.Helper()
	return scan[int](tb, pool, `SELECT count(*) FROM `+table)
}

// forge changes what nothing may change: in a transaction in which no trigger fires.
func forge(tb testing.TB, pool *pgxpool.Pool, sql string) {
	tb.Helper()
	_, err := pool.Exec(tb.Context(), `BEGIN; SET LOCAL session_replication_role = replica; `+sql+`; COMMIT`)
	require.NoError(tb, err)
}
