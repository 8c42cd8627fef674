package grants_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

const benchBatch = 1000

// The tests' own PostgreSQL has fsync off: set BESTOW_TEST_DATABASE_URL to a real one for numbers that mean something,
// and take -benchtime=200x or more.

func BenchmarkGrantPoints(b *testing.B) {
	s := moneytest.Setup(b)
	bench(b, s, s.GrantPoints, same)
}

// BenchmarkGrantPointsMixed has another ref for each item, so that nothing is shared within a batch.
func BenchmarkGrantPointsMixed(b *testing.B) {
	s := moneytest.Setup(b)
	bench(b, s, s.GrantPoints, func(n int, i *money.Item) { i.Ref = fmt.Sprint(n) })
}

func BenchmarkGrantVouchers(b *testing.B) {
	s := moneytest.Setup(b)
	bench(b, s, s.GrantVouchers, same)
}

// BenchmarkReplayPoints asks for what was granted: the slow way.
func BenchmarkReplayPoints(b *testing.B) {
	s := moneytest.Setup(b)
	for n := range b.N {
		moneytest.Ask(b, s.GrantPoints, campaign(2, n, same)...)
	}
	bench(b, s, s.GrantPoints, same)
}

func same(int, *money.Item) {}

// campaign is the n-th batch of an event.
func campaign(event, n int, change func(int, *money.Item)) []money.Item {
	at := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	batch := make([]money.Item, benchBatch)
	for i := range batch {
		member := fmt.Sprintf("member%08d", n*benchBatch+i)
		batch[i] = money.Item{
			Key: fmt.Sprintf("grant:%d:%s", event, member), MemberID: member, Amount: 1000,
			Reason: "spring campaign", ExpiryAt: &at, TypeCode: "CM", Ref: fmt.Sprint(event),
		}
		change(i, &batch[i])
	}
	return batch
}

// bench grants b.N batches over as many connections as there are cores; every second member is known from an earlier
// campaign.
func bench(b *testing.B, s moneytest.Bundle, grant moneytest.Granting, change func(int, *money.Item)) {
	b.Helper()
	batches := make([][]money.Item, b.N)
	for n := range batches {
		batches[n] = campaign(2, n, change)
		known := slices.DeleteFunc(campaign(1, n, change),
			func(i money.Item) bool { return i.MemberID[len(i.MemberID)-1]%2 == 1 })
		moneytest.Ask(b, grant, known...)
	}
	_, err := s.Pool.Exec(b.Context(), `CHECKPOINT`)
	require.NoError(b, err)
	_, err = s.Pool.Exec(b.Context(), `VACUUM ANALYZE money.point_member, money.point_lot, money.vouchers`)
	require.NoError(b, err)
	before := wal(b, s.Pool)
	b.ReportAllocs()
	b.ResetTimer()
	var g errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		g.Go(func() error {
			for n := w; n < b.N; n += workers {
				if _, err := grant(b.Context(), moneytest.Soon(), batches[n]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(b, g.Wait())
	b.StopTimer()
	all := float64(b.N * benchBatch)
	b.ReportMetric(all/b.Elapsed().Seconds(), "items/s")
	b.ReportMetric(float64(wal(b, s.Pool)-before)/all, "WAL-B/item")
}

func wal(b *testing.B, pool *pgxpool.Pool) int64 {
	b.Helper()
	return moneytest.Scan[int64](b, pool, `SELECT (pg_current_wal_lsn() - '0/0')::bigint`)
}
