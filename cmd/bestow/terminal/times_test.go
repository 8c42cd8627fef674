package terminal

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A time without an offset is on the clock of the zone; one that this clock passes over is no time.
func TestReadTime(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	for text, want := range map[string]string{
		"2027-03-14 01:30:00": "2027-03-14T06:30:00Z", "2027-03-14 03:30": "2027-03-14T07:30:00Z",
		"2027-03-14T02:30:00+09:00": "2027-03-13T17:30:00Z",
	} {
		at, err := ReadTime("--at", text, zone)
		require.NoError(t, err)
		require.Equal(t, want, at.UTC().Format(time.RFC3339))
	}
	for _, text := range []string{"2027-03-14 02:30:00", "2027-03-14T02:00:00"} {
		_, err = ReadTime("--at", text, zone)
		require.ErrorContains(t, err, "pass over that time")
	}
	_, err = ReadTime("--at", "tomorrow", zone)
	require.ErrorContains(t, err, "write a time as")
}
