package grants_test

import (
	"strings"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/stretchr/testify/require"
)

// What cannot be is refused for good, by a code of its own, and leaves nothing behind.
func TestRefused(t *testing.T) {
	t.Parallel()
	past, far := time.Now().Add(-time.Second), time.Date(10000, 6, 1, 0, 0, 0, 0, time.UTC)
	cases := map[string]struct {
		spoil func(*money.Item)
		code  string
	}{
		"no key":              {func(i *money.Item) { i.Key = "" }, money.BadKey},
		"blank key":           {func(i *money.Item) { i.Key = " \t" }, money.BadKey},
		"long key":            {func(i *money.Item) { i.Key = strings.Repeat("가", 201) }, money.BadKey},
		"NUL in key":          {func(i *money.Item) { i.Key = "a\x00b" }, money.BadKey},
		"key not text":        {func(i *money.Item) { i.Key = "\xff\xfe" }, money.BadKey},
		"no member":           {func(i *money.Item) { i.MemberID = "" }, money.BadMember},
		"blank member":        {func(i *money.Item) { i.MemberID = "　" }, money.BadMember},
		"long member":         {func(i *money.Item) { i.MemberID = strings.Repeat("가", 51) }, money.BadMember},
		"control in member":   {func(i *money.Item) { i.MemberID = "a\nb" }, money.BadMember},
		"NUL in member":       {func(i *money.Item) { i.MemberID = "a\x00" }, money.BadMember},
		"member not text":     {func(i *money.Item) { i.MemberID = "a\xc3" }, money.BadMember},
		"zero amount":         {func(i *money.Item) { i.Amount = 0 }, money.BadAmount},
		"negative amount":     {func(i *money.Item) { i.Amount = -1 }, money.BadAmount},
		"over the amount":     {func(i *money.Item) { i.Amount = money.MaxAmount + 1 }, money.BadAmount},
		"blank before member": {func(i *money.Item) { i.MemberID = " a" }, money.BadMember},
		"blank behind member": {func(i *money.Item) { i.MemberID = "가　" }, money.BadMember},
		"member not in NFC":   {func(i *money.Item) { i.MemberID = "\u1100\u1161" }, money.BadMember},
		"member turned round": {func(i *money.Item) { i.MemberID = "a\u202eb" }, money.BadMember},
		"key of an expiry":    {func(i *money.Item) { i.Key = "expire:P7" }, money.BadKey},
		"key of a regrant":    {func(i *money.Item) { i.Key = "regrant:P7:P8" }, money.BadKey},
		"key of a claim":      {func(i *money.Item) { i.Key = "claim:P7:P8" }, money.BadKey},
		"key of a collection": {func(i *money.Item) { i.Key = "collect:P7:0" }, money.BadKey},
		"unknown policy":      {func(i *money.Item) { i.Policy = "none" }, money.UnknownPolicy},
		"long reason":         {func(i *money.Item) { i.Reason = strings.Repeat("가", 501) }, money.BadReason},
		"NUL in reason":       {func(i *money.Item) { i.Reason = "\x00" }, money.BadReason},
		"no type code":        {func(i *money.Item) { i.TypeCode = "" }, money.BadTypeCode},
		"long type code":      {func(i *money.Item) { i.TypeCode = strings.Repeat("C", 11) }, money.BadTypeCode},
		"long ref":            {func(i *money.Item) { i.Ref = strings.Repeat("7", 101) }, money.BadRef},
		"NUL in ref":          {func(i *money.Item) { i.Ref = "7\x00" }, money.BadRef},
		"expired":             {func(i *money.Item) { i.ExpiryAt = &past }, money.Expired},
		"expiry out of range": {func(i *money.Item) { i.ExpiryAt = &far }, money.BadExpiry},
	}
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		var asked []money.Item
		var codes []string
		for _, c := range cases {
			bad := moneytest.Item(len(asked))
			c.spoil(&bad)
			asked, codes = append(asked, bad), append(codes, c.code)
		}
		for i, a := range moneytest.Ask(t, grant, asked...) {
			require.Equal(t, money.Refused, a.Outcome, codes[i])
			require.Equal(t, codes[i], a.Code)
			require.NotEmpty(t, a.Message)
			require.False(t, a.Retryable)
			require.Empty(t, a.TxID)
			require.Equal(t, asked[i].MemberID, a.MemberID)
			require.Equal(t, a, moneytest.Ask(t, grant, asked[i])[0], "by itself it is refused as well")
		}
		require.Zero(t, moneytest.Count(t, s.Pool, s.Table))
	})
}

// The longest of everything is still stored, and found again.
func TestLimitsAreStored(t *testing.T) {
	t.Parallel()
	at := time.Date(9999, 12, 31, 1, 0, 0, 0, time.UTC)
	edge := money.Item{
		Key: strings.Repeat("가", 200), MemberID: strings.Repeat("한", 50), Amount: money.MaxAmount,
		ExpiryAt: &at,
		Reason:   strings.Repeat("글", 500), TypeCode: strings.Repeat("형", 10), Ref: strings.Repeat("참", 100),
	}
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		first := moneytest.Ask(t, grant, edge)[0]
		require.Equal(t, money.Granted, first.Outcome)
		again := moneytest.Ask(t, grant, edge)[0]
		require.Equal(t, money.Replayed, again.Outcome)
		require.Equal(t, first.TxID, again.TxID)
	})
}

// A grant is replayed for ever, also when its expiry has passed since.
func TestReplayAfterExpiry(t *testing.T) {
	t.Parallel()
	moneytest.EachKind(t, func(s moneytest.Subject) {
		t, grant := s.T, s.Grant
		brief := moneytest.Item(1)
		at := time.Now().Add(3 * time.Second) // later than the first answer on a busy machine
		brief.ExpiryAt = &at
		first := moneytest.Ask(t, grant, brief)[0]
		require.Equal(t, money.Granted, first.Outcome)
		require.Eventually(t, func() bool {
			return moneytest.Scan[bool](t, s.Pool, `SELECT clock_timestamp() > $1`, at)
		},
			10*time.Second, 20*time.Millisecond)
		late := moneytest.Item(2)
		late.ExpiryAt = &at
		answers := moneytest.Ask(t, grant, brief, late)
		require.Equal(t, money.Replayed, answers[0].Outcome)
		require.Equal(t, first.TxID, answers[0].TxID)
		require.Equal(t, first.Voucher, answers[0].Voucher)
		require.Equal(t, money.Expired, answers[1].Code)
	})
}

func TestVoucherNeedsRef(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	for _, ref := range []string{"", "  "} {
		i := moneytest.Item(1)
		i.Ref = ref
		require.Equal(t, money.BadRef, moneytest.Ask(t, b.GrantVouchers, i)[0].Code)
	}
	i := moneytest.Item(1)
	i.Ref = ""
	require.Equal(t, money.Granted, moneytest.Ask(t, b.GrantPoints, i)[0].Outcome)
	require.True(t, moneytest.Scan[bool](t, b.Pool, `SELECT ref_unique_id IS NULL FROM money.point_member`))
}
