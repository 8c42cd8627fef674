package http

import (
	"net/http"
	"strings"
	"testing"

	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// A request with two keys is refused, since only one of them would count; the same key twice is one key.
func TestTwoIdempotencyKeys(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for name, tt := range map[string]struct {
		keys []string
		want int
	}{
		"one":              {[]string{"k1"}, 201},
		"twice the same":   {[]string{"k2", "k2"}, 201},
		"two":              {[]string{"k3", "k4"}, 400},
		"the second empty": {[]string{"k5", ""}, 400},
		"the first empty":  {[]string{"", "k6"}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.NewReader(`{"campaign_id": "` + name + `", "event_type": "POINT"}`)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/api/v1/events", body)
			require.NoError(t, err)
			req.Header = http.Header{
				"Authorization": {"Bearer " + desktest.Key}, "Content-Type": {"application/json"},
				"Idempotency-Key": tt.keys,
			}
			res, err := d.Client().Do(req)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, tt.want, res.StatusCode)
		})
	}
}
