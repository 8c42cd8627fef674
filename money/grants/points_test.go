package grants_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// movement is a row of point_member as another team's query reads it.
type movement struct {
	ID         int64
	MemberID   string
	MasterID   *int64
	Status     string
	Point      int64
	IssueDate  string
	ExpiryDate string
	TypeCode   string
	Ref        *string
	Reason     *string
	Memo       *string
	ExpiryAt   *time.Time
	Key        string
	CreatedAt  time.Time
}

// A save is one movement that its transaction id leads to, and one lot that points at itself.
func TestSaveRows(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	at := time.Date(2031, 12, 31, 15, 0, 0, 0, time.UTC) // midnight of 1 January 2032 in Seoul, which is too late
	want := moneytest.Item(1)
	want.ExpiryAt = &at
	answer := moneytest.Ask(t, b.GrantPoints, want)[0]
	kind, id, err := money.ParseTxID(answer.TxID)
	require.NoError(t, err)
	require.Equal(t, money.Points, kind)

	rows, err := b.Pool.Query(t.Context(),
		`SELECT point_member_id, member_id, point_master_id, point_status_code, point, issue_date,
		expiry_date, point_type_code, ref_unique_id, reason, memo, expiry_at, idempotency_key, created_at
		FROM money.point_member WHERE member_id = $1 AND point_member_id = $2`, want.MemberID, id)
	require.NoError(t, err)
	m, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[movement])
	require.NoError(t, err)
	require.True(t, at.Equal(*m.ExpiryAt))
	require.Equal(t, movement{
		ID: id, MemberID: want.MemberID, Status: "S", Point: want.Amount, TypeCode: "CM",
		Ref:       &want.Ref,
		IssueDate: m.CreatedAt.In(b.Location).Format("20060102"), ExpiryDate: "20311231", Reason: &want.Reason,
		ExpiryAt: m.ExpiryAt, Key: want.Key, CreatedAt: m.CreatedAt,
	}, m)

	lot := moneytest.Scan[string](t,
		b.Pool,
		`SELECT concat_ws(' ', point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining,
		point_status_code, expiry_at = '2031-12-31 15:00:00Z') FROM money.point_lot`)
	require.Equal(t, strings.Join([]string{
		answer.TxID[1:], answer.TxID[1:], answer.TxID[1:], want.MemberID, "1001",
		"1001", "S", "t",
	}, " "), lot)
}

// The day is that of the configured time zone. These two are 25 hours apart, so their days always differ.
func TestIssueDateOfZone(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	for n, zone := range []string{"Pacific/Kiritimati", "Pacific/Pago_Pago"} {
		loc, err := time.LoadLocation(zone)
		require.NoError(t, err)
		c := b.Config
		c.Location = loc
		moneytest.Ask(t, moneytest.NewLedger(t, c).GrantPoints, moneytest.Item(n))
		at := moneytest.Scan[time.Time](t, b.Pool,
			`SELECT created_at FROM money.point_member WHERE idempotency_key = $1`, moneytest.Item(n).Key)
		day := moneytest.Scan[string](t, b.Pool, `SELECT issue_date FROM money.point_member WHERE idempotency_key = $1`,
			moneytest.Item(n).Key)
		require.Equal(t, at.In(loc).Format("20060102"), day)
		require.Equal(t, "99991231", moneytest.Scan[string](t, b.Pool,
			`SELECT expiry_date FROM money.point_member LIMIT 1`))
	}
}

// A key that another movement has used is no grant: it moneytest.Conflicts, and a look-up does not know it.
func TestKeyOfAnotherMovement(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	_, err := b.Pool.Exec(t.Context(), `INSERT INTO money.point_member
		(member_id, point, idempotency_key, point_status_code, point_type_code, issue_date, expiry_date)
		VALUES ($1, 1001, $2, 'R', 'CM', '20260101', '99991231')`, moneytest.Item(1).MemberID, moneytest.Item(1).Key)
	require.NoError(t, err)
	require.Equal(t, money.Conflict, moneytest.Ask(t, b.GrantPoints, moneytest.Item(1))[0].Outcome)
	found, err := b.LookupPoints(t.Context(), []string{moneytest.Item(1).Key})
	require.NoError(t, err)
	require.Equal(t, []money.Found{{Key: moneytest.Item(1).Key}}, found)
}

// Index entries are most of what a grant costs: none is added without a measurement. A grant has no entry in
// point_lot_closed and point_member_undo.
func TestIndexesOfAGrant(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	require.Equal(t, []string{
		"point_lot_closed", "point_lot_expiry", "point_lot_open", "point_member_idempotency_key",
		"point_member_pkey", "point_member_undo",
	},
		moneytest.Scan[[]string](t, b.Pool, `SELECT array_agg(indexname::text ORDER BY indexname) FROM pg_indexes
			WHERE schemaname = 'money' AND tablename IN ('point_member', 'point_member_detail', 'point_lot')`))
}

// The look of the slow way probes by the index, however many keys there are and whatever the statistics say.
func TestLookProbesByIndex(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		_, err := s.Pool.Exec(t.Context(), `ALTER TABLE `+s.Table+` SET (autovacuum_enabled = false)`)
		require.NoError(t, err)
		_, err = s.Pool.Exec(t.Context(), `ANALYZE `+s.Table)
		require.NoError(t, err)
		for n := range 4 {
			all := moneytest.Items((n + 1) * money.MaxItems)
			moneytest.Ask(t, grant, all[n*money.MaxItems:]...)
		}
		before := scans(t, s.Bundle, s.Table)
		moneytest.Ask(t, grant, moneytest.Items(money.MaxItems)...)
		require.Equal(t, before, scans(t, s.Bundle, s.Table), "the table was read from end to end")
	})
}

// scans returns how often table was read from end to end, as seen by a session of its own.
func scans(t *testing.T, b moneytest.Bundle, table string) int {
	t.Helper()
	b.Pool.Reset() // sessions report when they end
	require.Eventually(t, func() bool {
		return moneytest.Scan[int](t, b.Pool, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`) == 0
	}, 10*time.Second, 10*time.Millisecond)
	return moneytest.Scan[int](t, b.Pool,
		`SELECT seq_scan FROM pg_stat_all_tables WHERE relid = $1::text::regclass`, table)
}

func TestLookup(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		lookup := s.LookupPoints
		if s.Table == "money.vouchers" {
			lookup = s.LookupVouchers
		}
		granted := moneytest.Ask(t, grant, moneytest.Items(5)...)
		keys := []string{
			moneytest.Item(3).Key, "nobody's", "\x00", "", "\xff", moneytest.Item(0).Key,
			moneytest.Item(3).Key,
		}
		found, err := lookup(t.Context(), keys)
		require.NoError(t, err)
		known := func(n int) money.Found {
			a := granted[n]
			found := money.Found{
				Key: a.Key, Known: true, TxID: a.TxID, MemberID: a.MemberID, Amount: a.Amount,
				Voucher: a.Voucher,
			}
			if a.Voucher != nil {
				found.State = money.VoucherIssued
			}
			return found
		}
		require.Equal(t, []money.Found{
			known(3),
			{Key: "nobody's"},
			{Key: "\x00"},
			{Key: ""},
			{Key: "\xff"},
			known(0),
			known(3),
		}, found)

		_, err = lookup(t.Context(), make([]string, money.MaxItems+1))
		require.ErrorIs(t, err, money.ErrTooMany)
		found, err = lookup(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, found)
	})
}

// The words of the wire are a contract.
func TestOutcomeWords(t *testing.T) {
	t.Parallel()
	words, err := json.Marshal([]money.Outcome{money.Granted, money.Replayed, money.Refused, money.Conflict})
	require.NoError(t, err)
	require.JSONEq(t, `["granted", "replayed", "refused", "conflict"]`, string(words))
}
