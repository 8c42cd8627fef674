package http

import (
	"net/http"
	"testing"

	"bestow/http/api"

	"github.com/stretchr/testify/require"
)

func TestCreateAndShow(t *testing.T) {
	t.Parallel()
	d := setup(t)
	a := d.post("/api/v1/events", `{"campaign_id": "spring", "event_type": "VOUCHER", "default_reason": "봄", "default_amount": 9007199254740993,
		"expiry_at": "2999-12-31T23:59:59+09:00", "partition_count": 64, "reservation_at": "2998-01-01T00:00:00Z", "reservation_priority": -3}`)
	require.Equal(t, http.StatusCreated, a.StatusCode, a.body)
	require.Equal(t, "application/json", a.Header.Get("Content-Type"))
	e := decoded[api.Event](a)
	require.Equal(t, eventURL(e.ID), a.Header.Get("Location"))
	require.Equal(t, "admin", e.CreatedBy)
	require.Equal(t, int64(9007199254740993), *e.DefaultAmount)
	require.Equal(t, -3, *e.ReservationPriority)

	shown := d.get(eventURL(e.ID))
	require.Equal(t, http.StatusOK, shown.StatusCode)
	require.Equal(t, e, decoded[api.Event](shown))
	require.Equal(t, a.Header.Get("ETag"), shown.Header.Get("ETag"))
	require.Regexp(t, `^"[0-9a-f]{16}"$`, shown.Header.Get("ETag"))
}
