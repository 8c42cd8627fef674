package imports

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"bestow/app/command"

	"github.com/stretchr/testify/require"
)

// BenchmarkImport imports 1,000,000 members, as a file that comes in no order, into a partition of the event's own and
// into the default partition. pgtest's own server has fsync off: set BESTOW_TEST_DATABASE_URL for numbers that count.
//
//	go test -run='^$' -bench=Import -benchtime=3x ./app
func BenchmarkImport(b *testing.B) {
	const members = 1_000_000
	file := memberFile(members)
	for _, place := range []struct {
		name      string
		threshold int
	}{{"own partition", 1}, {"default partition", members + 1}} {
		b.Run(place.name, func(b *testing.B) {
			s := setupImport(b)
			s.targets.sizes.OwnPartition = place.threshold
			var wal int64
			for b.Loop() {
				b.StopTimer()
				id := s.Event()
				s.Exec(`CHECKPOINT`)
				before := s.walBytes()
				b.StartTimer()
				result, err := s.targets.Import(b.Context(), command.Caller{Actor: "bench"}, id,
					Upload{Body: bytes.NewReader(file), ContentType: typeCSV})
				require.NoError(b, err)
				require.Equal(b, members, result.Value.Accepted)
				wal += s.walBytes() - before
			}
			b.ReportMetric(float64(wal)/float64(b.N)/members, "WAL-B/row")
			b.ReportMetric(members*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// memberReader makes a member list of n rows as it is read: half have a reason, none is in order.
func memberReader(n int) io.Reader {
	const prime = 9_999_999_967 // so that no member comes twice
	reasons := []string{"", "리뷰 작성 보상", "", "VIP 등급 혜택"}
	line := []byte("member_id,amount,reason\n")
	i := 0
	return readFunc(func(p []byte) (int, error) {
		filled := 0
		for filled < len(p) && i <= n {
			c := copy(p[filled:], line)
			filled += c
			if line = line[c:]; len(line) == 0 {
				line = fmt.Appendf(line, "%010d,%d,%s\n", i*7_654_321_001%prime, 500+i%9*500, reasons[i%len(reasons)])
				i++
			}
		}
		if filled == 0 {
			return 0, io.EOF
		}
		return filled, nil
	})
}

// memberFile is a whole member list.
func memberFile(n int) []byte {
	var file bytes.Buffer
	_, _ = file.ReadFrom(memberReader(n)) // it never fails
	return file.Bytes()
}

func (s *importTest) walBytes() int64 {
	s.Helper()
	return s.Int(`SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint`)
}

// BenchmarkImportMemory says how much the heap grows at the most while lists of growing size are read.
func BenchmarkImportMemory(b *testing.B) {
	for _, members := range []int{200_000, 2_000_000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			s := setupImport(b)
			for b.Loop() {
				runtime.GC()
				id := s.Event()
				peak := watchHeap(b)
				_, err := s.targets.Import(b.Context(), command.Caller{Actor: "bench"}, id,
					Upload{Body: memberReader(members), ContentType: typeCSV})
				require.NoError(b, err)
				b.ReportMetric(float64(peak())/(1<<20), "MiB-over-idle")
			}
		})
	}
}

// watchHeap returns a function that ends the watch and returns by how many bytes the heap had grown at the most.
func watchHeap(b *testing.B) func() uint64 {
	b.Helper()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	idle, peak := now.HeapAlloc, uint64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapAlloc-min(idle, now.HeapAlloc))
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-done
		return peak
	}
}
