package campaign

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A line that is written over and over never breaks into two.
func TestWatchFits(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]string{
		0: "안녕하세요", 1: "안녕하세요", 2: "…", 5: "안…", 6: "안녕…", 10: "안녕하세…",
		11: "안녕하세요",
	} {
		require.Equal(t, want, fit("안녕하세요", width), width)
	}
}
