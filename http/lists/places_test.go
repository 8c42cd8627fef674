package lists

import (
	"strconv"
	"testing"

	"bestow/domain"
	"bestow/internal/places"

	"github.com/stretchr/testify/require"
)

// A principal has five places for pieces, all have sixteen, and a place that is left can be taken again.
func TestPlaces(t *testing.T) {
	t.Parallel()
	h := &Handlers{pieces: places.New(pieceLimits)}
	leaves := map[string][]func(){}
	take := func(owner string) error {
		leave, err := h.takePlace(t.Context(), owner)
		if err == nil {
			leaves[owner] = append(leaves[owner], leave)
		}
		return err
	}
	for range maxPiecesEach {
		require.NoError(t, take("crm"))
	}
	err := take("crm")
	require.True(t, domain.IsCode(err, domain.Unavailable))
	require.ErrorContains(t, err, "5 of your uploads")
	leaves["crm"][0]()
	require.NoError(t, take("crm"))
	for i := range maxPieces - maxPiecesEach {
		require.NoError(t, take(strconv.Itoa(i)))
	}
	err = take("kim")
	require.True(t, domain.IsCode(err, domain.Unavailable))
	require.ErrorContains(t, err, "too many uploads")
	leaves["crm"][1]()
	require.NoError(t, take("kim"))
}
