//go:build failpoint

package events_test

import (
	"errors"
	"net/http"
	"testing"

	"bestow/http/api"
	"bestow/internal/desktest"
	"bestow/internal/failpoint"

	"github.com/stretchr/testify/require"
)

// F1: the process dies after COMMIT and before the reply. Asked again with the same key, the first answer comes, and
// there is one event.
func TestCreateDiesAfterCommit(t *testing.T) {
	t.Parallel()
	d := setup(t)
	died := 0
	dying := desktest.Listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := failpoint.With(r.Context(), func(point string) error {
			if point == failpoint.CreateAfterCommit {
				died++
				return errors.New("killed")
			}
			return nil
		})
		d.Config.Handler.ServeHTTP(w, r.WithContext(ctx))
	}))
	body, key := `{"campaign_id": "once", "event_type": "POINT"}`, []string{"Idempotency-Key: k1"}
	d.DoAt(dying, "POST", "/api/v1/events", body, key...).Refused(500, api.Internal)
	require.Equal(t, 1, died)

	first := d.Post("/api/v1/events", body, key...)
	require.Equal(t, http.StatusCreated, first.StatusCode, first.Text)
	require.Equal(t, "true", first.Header.Get("Idempotency-Replayed"))
	second := d.Post("/api/v1/events", body, key...)
	require.Equal(t, first.Text, second.Text)
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM campaign_events`))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM campaign_event_summary`))
}
