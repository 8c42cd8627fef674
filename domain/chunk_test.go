package domain_test

import (
	"encoding/json"
	"strings"
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type row struct{ key, size int }

func chunks(rows []row, limit int) []domain.Chunk {
	c := domain.Chunker{EventID: 7, MaxTargets: limit}
	var out []domain.Chunk
	for i, r := range rows {
		if done, full := c.Add(int64(i+1), r.key, r.size); full {
			out = append(out, done)
		}
	}
	if done, last := c.Flush(); last {
		out = append(out, done)
	}
	return out
}

// Whatever the targets, chunks cover each exactly once, stay within a partition, and within both bounds.
func TestChunksCoverTargetsOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 50).Draw(rt, "limit")
		var rows []row
		for key := range rapid.IntRange(1, 5).Draw(rt, "partitions") {
			for range rapid.IntRange(0, 200).Draw(rt, "targets") {
				rows = append(rows, row{key, rapid.IntRange(160, domain.MaxMessageBytes/4).Draw(rt, "size")})
			}
		}
		next := int64(1)
		for _, c := range chunks(rows, limit) {
			require.Equal(rt, next, c.First, "no gap and no overlap")
			require.LessOrEqual(rt, c.Size(), limit)
			bytes := 0
			for id := c.First; id <= c.Last; id++ {
				require.Equal(rt, c.PartitionKey, rows[id-1].key)
				bytes += rows[id-1].size
			}
			require.LessOrEqual(rt, bytes, domain.MaxMessageBytes)
			next = c.Last + 1
		}
		require.Equal(rt, int64(len(rows)+1), next, "every target is in a chunk")
	})
}

func TestRunsCoverChunksOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var rows []row
		for key := range 3 {
			for range rapid.IntRange(0, 300).Draw(rt, "targets") {
				rows = append(rows, row{key, 200})
			}
		}
		all := chunks(rows, 10)
		runs := domain.Runs(all, 5)
		i := 0
		for _, run := range runs {
			n := 0
			for ; i < len(all) && all[i].Last <= run.Last && all[i].PartitionKey == run.PartitionKey; i++ {
				require.GreaterOrEqual(rt, all[i].First, run.First)
				n++
			}
			require.Positive(rt, n)
			require.LessOrEqual(rt, n, 5)
		}
		require.Equal(rt, len(all), i)
	})
}

// GrantSize is a promise: no encoding of a grant takes more.
func TestGrantSizeIsEnough(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{
		"", strings.Repeat("사", 500), strings.Repeat("<", 500), strings.Repeat("\"", 500),
		strings.Repeat("\n", 500), strings.Repeat("\u2028", 500),
	} {
		member := strings.Repeat("회", 50)
		body, err := json.Marshal(map[string]any{
			"target_id": int64(9223372036854775807), "member_id": member, "amount": int64(9223372036854775807),
			"reason": reason, "try": 2147483647, "redrive": 2147483647,
		})
		require.NoError(t, err)
		require.LessOrEqual(t, len(body)+1, domain.GrantSize(member, reason), "%.10q", reason)
	}
}
