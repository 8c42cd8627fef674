package imports

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// markOf is the mark of a list of members, each with its number as the amount.
func markOf(first, last int) (m listMark) {
	for i := first; i < last; i++ {
		m.add(fmt.Append(nil, "m", i), int64(i))
	}
	return m
}

// The mark of a list is kept for years: neither its sum nor its sample may change with a version.
func TestListMarkGolden(t *testing.T) {
	t.Parallel()
	var m listMark
	m.add([]byte("m1"), 5)
	m.add([]byte("회원-2"), 6)
	require.Equal(t, listMark{sum: 0xc29a4bc8f1b7aa11, sample: []uint64{0x365ae625fe1881ab, 0x91ab60ce02b784dc}}, m)
}

// A mark depends on the members and their amounts, and on no order; swapped amounts are another list with the same
// members.
func TestListMark(t *testing.T) {
	t.Parallel()
	want := markOf(0, 1000)
	require.Len(t, want.sample, sampleSize)
	require.True(t, slices.IsSorted(want.sample))
	var shuffled, swapped, more listMark
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(1000) {
		member := fmt.Append(nil, "m", i)
		shuffled.add(member, int64(i))
		swapped.add(member, int64(i^1))
		more.add(member, int64(i)+1)
	}
	require.Equal(t, want, shuffled)
	require.NotEqual(t, want.sum, swapped.sum)
	require.NotEqual(t, want.sum, more.sum)
	require.Equal(t, want.sample, swapped.sample)
	a, b := markOf(0, 400), markOf(400, 1000)
	require.Equal(t, want.sum, a.sum+b.sum, "two parts add up")
	a.merge(b.sample)
	require.Equal(t, want.sample, a.sample, "and their samples are merged to that of the whole")
}

// The share of members is exact for small lists and near to the truth for large ones.
func TestShare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b        [2]int
		want, delta float64
	}{
		{[2]int{0, 2}, [2]int{0, 3}, 2.0 / 3, 0},
		{[2]int{0, 1}, [2]int{0, 1}, 1, 0},
		{[2]int{0, 1}, [2]int{1, 2}, 0, 0},
		{[2]int{0, 40}, [2]int{20, 60}, 20.0 / 60, 0},
		{[2]int{0, 100_000}, [2]int{0, 100_001}, 1, 0.02},
		{[2]int{0, 100_000}, [2]int{10_000, 110_000}, 9.0 / 11, 0.2},
		{[2]int{0, 100_000}, [2]int{100_000, 200_000}, 0, 0},
		{[2]int{0, 0}, [2]int{0, 0}, 0, 0},
	} {
		require.InDelta(t, c.want, share(markOf(c.a[0], c.a[1]).sample, markOf(c.b[0], c.b[1]).sample), c.delta,
			"%v", c)
	}
}

// BenchmarkListMark returns what the mark costs a row of an import.
//
//	go test -run='^$' -bench=ListMark -benchmem ./app
func BenchmarkListMark(b *testing.B) {
	members := make([][]byte, 1<<10)
	for i := range members {
		members[i] = fmt.Appendf(nil, "%010d", i*7_654_321_001%9_999_999_967)
	}
	var m listMark
	for i := 0; b.Loop(); i++ {
		m.add(members[i%len(members)], 500)
	}
}
