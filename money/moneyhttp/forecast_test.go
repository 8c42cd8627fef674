package moneyhttp_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The forecast is null before it was counted, and then the sums of what members have.
func TestForecast(t *testing.T) {
	t.Parallel()
	b := setup(t)
	empty := said{"lots": 0., "points": 0.}
	none := map[string]any(empty)
	require.Equal(t, said{
		"counted_at": nil, "days": []any{}, "months": []any{}, "later": none, "never": none,
		"total": none,
	}, b.get("/expiry/forecast"))
	b.post(201, "/members/m/saves", "k1",
		`{"amount":10,"type_code":"A","ref":"r","expiry_at":"2100-01-01T00:00:00+09:00"}`)
	b.post(201, "/members/m/saves", "k2", `{"amount":5,"type_code":"A","ref":"r"}`)
	_, err := b.ledger.CountForecast(t.Context())
	require.NoError(t, err)
	f := b.get("/expiry/forecast?days=0")
	require.NotNil(t, f["counted_at"])
	require.Equal(t, map[string]any{"lots": 1., "points": 10.}, f["later"])
	require.Equal(t, map[string]any{"lots": 1., "points": 5.}, f["never"])
	require.Equal(t, map[string]any{"lots": 2., "points": 15.}, f["total"])
	for _, days := range []string{"-1", "63", "x", "1.5"} {
		answer := b.send("GET", "/money/v1/expiry/forecast?days="+days, "")
		require.Equal(t, 400, answer.status, days)
	}
}

// The totals are null before they were counted, and then the sums of all that was saved.
func TestTotals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := b.get("/totals")
	require.Nil(t, before["counted_at"])
	require.Equal(t, []any{}, before["types"])
	require.Equal(t, []any{}, before["policies"])
	b.post(201, "/members/m/saves", "k1", `{"amount":10,"type_code":"A","ref":"r"}`)
	_, err := b.ledger.CountForecast(t.Context())
	require.NoError(t, err)
	after := b.get("/totals")
	require.NotNil(t, after["counted_at"])
	require.Equal(t, []any{map[string]any{
		"code": "A", "others": false, "lots": 1., "open_lots": 1., "saved": 10., "left": 10., "used": 0., "cancelled": 0., "expired": 0.,
	}}, after["types"])
}
