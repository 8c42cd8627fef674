package web

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// An Accept is read by its weights (RFC 9110, 12.5.1): 0 refuses a type.
func TestPreferred(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":         "",
		"*/*":      "",
		"text/csv": CSV, "TEXT/CSV; header=present": CSV, "application/x-ndjson": NDJSON,
		"text/csv;q=0, application/json":         "",
		"text/csv;q=0":                           "",
		"text/csv;q=0.5, application/json":       "",
		"text/csv, application/json":             CSV,
		"text/csv;q=0.2, application/x-ndjson":   NDJSON,
		"application/json;q=0.1, text/csv;q=0.2": CSV,
		"text/csv;q=x, ;;, /":                    CSV,
		"text/csvx, atext/csv":                   "",
	} {
		require.Equal(t, want, preferred(accept, CSV, NDJSON), accept)
	}
}
