// Package moneytest is for tests of the ledger: a ledger with a database of its own, and short words for what is asked
// of it.
package moneytest

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
	"bestow/money/moneydb"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// Bundle holds what a test of the ledger needs.
type Bundle struct {
	*moneydb.Ledger

	Pool     *pgxpool.Pool
	Location *time.Location // which is the default
	Config   moneydb.Config
	Log      *logtest.Log
}

// Setup returns a ledger with a database of its own.
func Setup(tb testing.TB) Bundle {
	tb.Helper()
	master, err := seal.NewMaster(seal.GenerateMaster())
	require.NoError(tb, err)
	log := &logtest.Log{}
	config := moneydb.Config{
		Pool: pgtest.New(tb), Master: master,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	seoul, err := time.LoadLocation("Asia/Seoul")
	require.NoError(tb, err)
	return Bundle{NewLedger(tb, config), config.Pool, seoul, config, log}
}

// NewLedger returns the ledger of c.
func NewLedger(tb testing.TB, c moneydb.Config) *moneydb.Ledger {
	tb.Helper()
	l, err := moneydb.New(c)
	require.NoError(tb, err)
	return l
}

// Granting is one of the two grant methods.
type Granting func(context.Context, time.Time, []money.Item) ([]money.Answer, error)

// Subject is a grant method with a database of its own.
type Subject struct {
	Bundle
	T     *testing.T
	Grant Granting
	Table string // where its keys stand
}

// EachKind runs test for points and for vouchers.
func EachKind(t *testing.T, test func(s Subject)) {
	t.Helper()
	t.Run("points", func(t *testing.T) {
		t.Parallel()
		b := Setup(t)
		test(Subject{b, t, b.GrantPoints, "money.point_member"})
	})
	t.Run("vouchers", func(t *testing.T) {
		t.Parallel()
		b := Setup(t)
		test(Subject{b, t, b.GrantVouchers, "money.vouchers"})
	})
}

// Soon is a deadline that no test reaches.
func Soon() time.Time { return time.Now().Add(time.Minute) }

// Item is a good one, of its own key and member.
func Item(n int) money.Item {
	member := fmt.Sprintf("회원%05d", n)
	return money.Item{
		Key: "grant:7:" + member, MemberID: member, Amount: 1000 + int64(n), TypeCode: "CM", Ref: "7",
		Reason: "봄 축제",
	}
}

// Items are good ones, the first n.
func Items(n int) []money.Item {
	all := make([]money.Item, n)
	for i := range all {
		all[i] = Item(i)
	}
	return all
}

// Ask grants and expects no error.
func Ask(tb testing.TB, grant Granting, items ...money.Item) []money.Answer {
	tb.Helper()
	answers, err := grant(tb.Context(), Soon(), items)
	require.NoError(tb, err)
	require.Len(tb, answers, len(items))
	for i, a := range answers {
		require.Equal(tb, items[i].Key, a.Key, "answers come in the order asked")
	}
	return answers
}

// Outcomes lists the outcomes of answers.
func Outcomes(answers []money.Answer) []money.Outcome {
	all := make([]money.Outcome, len(answers))
	for i, a := range answers {
		all[i] = a.Outcome
	}
	return all
}

// Scan returns the one value of the one row that the statement has.
func Scan[T any](tb testing.TB, pool *pgxpool.Pool, sql string, args ...any) T {
	tb.Helper()
	rows, err := pool.Query(tb.Context(), sql, args...)
	require.NoError(tb, err)
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	require.NoError(tb, err)
	return v
}

// Count returns how many rows the table has.
func Count(tb testing.TB, pool *pgxpool.Pool, table string) int {
	tb.Helper()
	return Scan[int](tb, pool, `SELECT count(*) FROM `+table)
}

// Forge changes what nothing may change: in a transaction in which no trigger fires.
func Forge(tb testing.TB, pool *pgxpool.Pool, sql string) {
	tb.Helper()
	_, err := pool.Exec(tb.Context(), `BEGIN; SET LOCAL session_replication_role = replica; `+sql+`; COMMIT`)
	require.NoError(tb, err)
}

// RefusedAs requires err to be a refusal of this code, and returns what it says.
func RefusedAs(tb testing.TB, code string, err error) money.Refusal {
	tb.Helper()
	var r *money.Refusal
	require.ErrorAs(tb, err, &r)
	require.Equal(tb, code, r.Code)
	require.NotEmpty(tb, r.Message)
	return *r
}
