package testbed

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A list has each of its members with the amount; a writer that fails ends it.
func TestWriteList(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, WriteList(&b, 3, func(i int) string { return strings.Repeat(strconv.Itoa(i), i) }))
	require.Equal(t, "member_id,amount\nM00000000,\nM00000001,1\nM00000002,22\n", b.String())
	asked := 0
	err := WriteList(full{}, 1_000_000, func(int) string { asked++; return "" })
	require.ErrorIs(t, err, errFull)
	require.Less(t, asked, 10_000)
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
