package grants_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/internal/pg"
	"bestow/internal/pgtest"
	"bestow/internal/seal"
	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestVoucher(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	asked := moneytest.Items(50)
	at := time.Now().Add(24 * time.Hour)
	for i := range asked {
		asked[i].ExpiryAt = &at
	}
	codes := map[string]bool{}
	for i, a := range moneytest.Ask(t, b.GrantVouchers, asked...) {
		require.Regexp(t, `^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$`, a.Voucher.Code)
		require.Regexp(t, `^[0-9]{8}$`, a.Voucher.PIN)
		require.Equal(t, time.UnixMicro(at.UnixMicro()).UTC(), *a.Voucher.ExpiryAt)
		codes[a.Voucher.Code] = true

		kind, id, err := money.ParseTxID(a.TxID)
		require.NoError(t, err)
		require.Equal(t, money.Vouchers, kind)
		require.Equal(t, asked[i].Amount, moneytest.Scan[int64](t, b.Pool,
			`SELECT amount FROM money.vouchers WHERE member_id = $1 AND voucher_id = $2`, a.MemberID, id))
	}
	require.Len(t, codes, 50)
}

// Vouchers of several refs and expiries are replayed together, by a ledger that has seen none of them.
func TestVoucherReplayOfManyRefs(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	asked := moneytest.Items(9)
	for i := range asked {
		asked[i].Ref = fmt.Sprint(i % 3)
		at := time.Now().Add(time.Duration(i+1) * time.Hour)
		if asked[i].ExpiryAt = &at; i == 4 {
			asked[i].ExpiryAt = nil
		}
	}
	first := moneytest.Ask(t, b.GrantVouchers, asked...)
	for i := range asked {
		asked[i].Ref = "9" // the ref of the grant counts, not that of the repetition
	}
	again := moneytest.Ask(t, moneytest.NewLedger(t, b.Config).GrantVouchers, asked...)
	for i := range again {
		require.Equal(t, money.Replayed, again[i].Outcome)
		require.Equal(t, *first[i].Voucher, *again[i].Voucher)
	}
}

func TestNoMaster(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	b.Config.Master = nil
	l := moneytest.NewLedger(t, b.Config)
	_, err := l.GrantVouchers(t.Context(), moneytest.Soon(), moneytest.Items(1))
	require.ErrorIs(t, err, money.ErrNoMaster)
	_, err = l.LookupVouchers(t.Context(), nil)
	require.ErrorIs(t, err, money.ErrNoMaster)
	require.Zero(t, moneytest.Count(t, b.Pool, "money.vouchers"))
	require.Equal(t, money.Granted, moneytest.Ask(t, l.GrantPoints, moneytest.Item(1))[0].Outcome, "points need none")
}

// Another master key opens nothing and says so; the same keys wrapped anew open everything.
func TestMasterChanged(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	first := moneytest.Ask(t, b.GrantVouchers, moneytest.Item(1))[0]
	after, err := seal.NewMaster(seal.GenerateMaster())
	require.NoError(t, err)
	before := b.Config.Master
	b.Config.Master = after
	_, err = moneytest.NewLedger(t, b.Config).GrantVouchers(t.Context(), moneytest.Soon(), moneytest.Items(2))
	require.ErrorIs(t, err, seal.ErrOpen)
	require.ErrorContains(t, err, "another master key")

	rows, err := b.Pool.Query(t.Context(), `SELECT ref, wrapped FROM money.seal_keys`)
	require.NoError(t, err)
	type wrapped struct {
		Ref     string
		Wrapped []byte
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[wrapped])
	require.NoError(t, err)
	for _, w := range all {
		aad := seal.AAD("money.seal_keys", w.Ref)
		key, err := before.Unwrap(w.Wrapped, aad)
		require.NoError(t, err)
		_, err = b.Pool.Exec(t.Context(), `UPDATE money.seal_keys SET wrapped = $2 WHERE ref = $1`, w.Ref,
			after.Wrap(key, aad))
		require.NoError(t, err)
	}
	answers := moneytest.Ask(t, moneytest.NewLedger(t, b.Config).GrantVouchers, moneytest.Items(2)...)
	require.Equal(t, *first.Voucher, *answers[1].Voucher)
}

// S8: who can write to the tables cannot give one member another's PIN or code.
func TestSwappedVouchers(t *testing.T) {
	t.Parallel()
	for _, column := range []string{"sealed_pin", "sealed_code"} {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			b := moneytest.Setup(t)
			moneytest.Ask(t, b.GrantVouchers, moneytest.Items(3)...)
			moneytest.Forge(t, b.Pool, fmt.Sprintf(`UPDATE money.vouchers v SET %[1]s = o.%[1]s FROM money.vouchers o
				WHERE (v.idempotency_key, o.idempotency_key) IN (('%[2]s', '%[3]s'), ('%[3]s', '%[2]s'))`, column,
				moneytest.Item(0).Key, moneytest.Item(1).Key))
			_, err := b.LookupVouchers(t.Context(), []string{moneytest.Item(0).Key})
			require.ErrorIs(t, err, seal.ErrOpen)
			_, err = b.GrantVouchers(t.Context(), moneytest.Soon(), []money.Item{moneytest.Item(1)})
			require.ErrorIs(t, err, seal.ErrOpen)
			found, err := b.LookupVouchers(t.Context(), []string{moneytest.Item(2).Key})
			require.NoError(t, err)
			require.True(t, found[0].Known)
		})
	}
}

// S9: no code and no PIN stands in any table, log or error, or is printed with an answer.
func TestCanary(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	answers := moneytest.Ask(t, b.GrantVouchers, moneytest.Items(20)...)
	replayed := moneytest.Ask(t, b.GrantVouchers, moneytest.Items(21)...)
	require.Contains(t, b.Log.String(), "slow way", "the log is listened to")

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, answers)
		fmt.Fprintf(&out, verb, answers[0].Voucher)
		fmt.Fprintf(&out, verb, *answers[0].Voucher)
		fmt.Fprintf(&out, verb, b.Ledger)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "answers", answers, "voucher", answers[0].Voucher, "value", *answers[0].Voucher)
	}
	require.NoError(t, json.NewEncoder(&out).Encode(answers))
	kept := pgtest.EveryRow(t, b.Pool)
	require.Contains(t, kept, moneytest.Item(1).Key, "the tables are read")
	printed := out.String() + b.Log.String() + kept
	for _, a := range replayed {
		for _, secret := range []string{a.Voucher.Code, strings.ReplaceAll(a.Voucher.Code, "-", ""), a.Voucher.PIN} {
			require.NotContains(t, printed, secret)
			require.NotContains(t, strings.ToLower(printed), hex.EncodeToString([]byte(secret)))
		}
	}
}

// F36: a code that exists already is made anew. A source that gives nothing else is an error, and nothing is issued.
func TestCodeCollision(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	same := []byte("0123456789\x00\x00\x00\x07")
	b.Config.Random = &moneytest.Script{Bytes: same}
	first := moneytest.Ask(t, moneytest.NewLedger(t, b.Config).GrantVouchers, moneytest.Item(1))[0]
	require.Equal(t, "60RK-4CSM-6MV3-EE1S", first.Voucher.Code)
	require.Equal(t, "00000007", first.Voucher.PIN)

	b.Config.Random = &moneytest.Script{Bytes: bytes.Repeat(same, 4)}
	second := moneytest.Ask(t, moneytest.NewLedger(t, b.Config).GrantVouchers, moneytest.Item(2))[0]
	require.Equal(t, money.Granted, second.Outcome)
	require.NotEqual(t, first.Voucher.Code, second.Voucher.Code)

	b.Config.Random = &moneytest.Script{Bytes: same, Loop: true}
	_, err := moneytest.NewLedger(t, b.Config).GrantVouchers(t.Context(), moneytest.Soon(),
		[]money.Item{moneytest.Item(3)})
	require.Equal(t, "23505", pg.Code(err))
	require.Equal(t, 2, moneytest.Count(t, b.Pool, "money.vouchers"))

	b.Config.Random = io.MultiReader() // at its end
	_, err = moneytest.NewLedger(t, b.Config).GrantVouchers(t.Context(), moneytest.Soon(),
		[]money.Item{moneytest.Item(3)})
	require.ErrorIs(t, err, io.EOF)
}

// A number that would favour some PINs is drawn again.
func TestPINIsFair(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	b.Config.Random = &moneytest.Script{Bytes: []byte("0123456789\xff\xff\xff\xff\xfa\x56\xea\x00\xfa\x56\xe9\xff")}
	require.Equal(t, "99999999",
		moneytest.Ask(t, moneytest.NewLedger(t, b.Config).GrantVouchers, moneytest.Item(1))[0].Voucher.PIN)
}
