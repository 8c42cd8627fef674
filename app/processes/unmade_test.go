package processes

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the job that makes types says of one is read from its error, with all lines of it; an error that names no type
// is that of all types.
func TestUnmade(t *testing.T) {
	t.Parallel()
	u := ReadUnmade(errors.Join(UnmadeError("TEA", errors.New("Kafka\nis away")),
		UnmadeError("GIFT_2", errors.New("no right"))).Error())
	require.Equal(t, "Kafka is away", u.Of("TEA"))
	require.Equal(t, "no right", u.Of("GIFT_2"))
	require.Empty(t, u.Of("POINT"))
	require.Equal(t, "context deadline exceeded", ReadUnmade("context deadline\nexceeded").Of("TEA"))
	require.Empty(t, ReadUnmade("").Of("TEA"))
}
