package spelling_test

import (
	"testing"

	"bestow/internal/spelling"

	"github.com/stretchr/testify/require"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"abc", "abd", 1},
		{"abc", "bc", 1},
		{"bc", "abc", 1},
		{"kitten", "sitting", 3},
		{"ab", "ba", 2},
	} {
		require.Equal(t, c.want, spelling.Distance(c.a, c.b), "%s, %s", c.a, c.b)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	require.Equal(t, "DATABASE_URL", spelling.Nearest("DATABSE_URL", []string{"KAFKA_BROKERS", "DATABASE_URL"}))
	require.Equal(t, "ab", spelling.Nearest("a", []string{"ab", "ac"}), "the first of two")
}
