package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// meter measures what a run costs besides time.
type meter struct {
	server *server
	wal    string
	cpu    time.Duration
	idle   int64
	peak   chan int64
	end    chan struct{}
}

const walNow = `SELECT pg_current_wal_insert_lsn()::text`

func (s *server) startMeter(ctx context.Context) (*meter, error) {
	m := &meter{server: s, cpu: cpuTime(), idle: resident(), peak: make(chan int64, 1), end: make(chan struct{})}
	if err := s.admin.QueryRow(ctx, walNow).Scan(&m.wal); err != nil {
		return nil, fmt.Errorf("read WAL position: %w", err)
	}
	go m.watch()
	return m, nil
}

// watch keeps the highest resident size.
func (m *meter) watch() {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	most := m.idle
	for {
		select {
		case <-m.end:
			m.peak <- max(most, resident())
			return
		case <-tick.C:
			most = max(most, resident())
		}
	}
}

// stop writes what was measured into r.
func (m *meter) stop(ctx context.Context, r *Run) error {
	r.CPU = cpuTime() - m.cpu
	close(m.end)
	r.Memory = -1
	if peak := <-m.peak; peak > 0 {
		r.Memory = peak - m.idle
	}
	const query = `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::pg_lsn)::bigint`
	if err := m.server.admin.QueryRow(ctx, query, m.wal).Scan(&r.WAL); err != nil {
		return fmt.Errorf("read WAL position: %w", err)
	}
	return nil
}

// resident is this process's memory in bytes, 0 where the system does not say.
func resident() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	kib, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
	n, _ := strconv.ParseInt(string(kib), 10, 64) // not there: 0
	return n << 10
}

// hotUpdates returns how many of the updates of targets were HOT, in percent. Sessions report what they did when they
// end, so the contestant has to be stopped by now, and the numbers may still be a moment away.
func hotUpdates(ctx context.Context, pool *pgxpool.Pool, table string, members int) (percent float64, err error) {
	const query = `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1`
	err = until(ctx, 15*time.Second, func() (bool, error) {
		var all, hot int64
		if err := pool.QueryRow(ctx, query, table).Scan(&all, &hot); err != nil {
			return false, fmt.Errorf("read statistics: %w", err)
		}
		percent = 100 * float64(hot) / float64(max(all, 1))
		return all >= int64(members), nil
	})
	return percent, err
}
