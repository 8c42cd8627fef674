package lists

import (
	"strconv"
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// A principal has five places for pieces, all have sixteen, and a place that is left can be taken again.
func TestPlaces(t *testing.T) {
	t.Parallel()
	p := &places{taken: map[string]int{}}
	for range maxPiecesEach {
		require.NoError(t, p.take("crm"))
	}
	err := p.take("crm")
	require.True(t, domain.IsCode(err, domain.Unavailable))
	require.ErrorContains(t, err, "5 of your uploads")
	p.leave("crm")
	require.NoError(t, p.take("crm"))
	for i := range maxPieces - maxPiecesEach {
		require.NoError(t, p.take(strconv.Itoa(i)))
	}
	err = p.take("kim")
	require.True(t, domain.IsCode(err, domain.Unavailable))
	require.ErrorContains(t, err, "too many uploads")
	p.leave("crm")
	require.NoError(t, p.take("kim"))
	for range maxPiecesEach - 1 {
		p.leave("crm")
	}
	require.NotContains(t, p.taken, "crm")
}
