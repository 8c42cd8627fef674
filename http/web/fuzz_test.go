package web

import (
	"testing"

	"bestow/domain"
	"bestow/http/api"

	"github.com/stretchr/testify/require"
)

// FuzzBody reads any bytes as a body: no panic, and what is wrong is the sender's, with a code of the API.
func FuzzBody(f *testing.F) {
	f.Add(
		[]byte(`{"campaign_id": "c", "event_type": "POINT", "default_amount": 1, "expiry_at": "2999-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"campaign_id": "c", "campaign\u005fid": 1e3}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var b Body[api.NewEvent]
		b.decode(data)
		_, _, err := b.Read()
		if err != nil {
			var refused *domain.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, api.Malformed, refused.Code)
			return
		}
		_ = b.Canonical()
		_, err = b.Whole()
		if err != nil {
			require.ErrorIs(t, err, &domain.Error{Code: domain.Invalid})
		}
	})
}
