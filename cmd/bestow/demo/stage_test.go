package demo

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/domain"
	"bestow/internal/kafkatest"
	"bestow/internal/pgtest"
	"bestow/internal/seal"

	"github.com/caarlos0/env/v11"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m, kafkatest.Leaks()...) }

// stage is a database, and topics of their own, on which demos play.
type stage struct {
	testing.TB
	cfg  settings.Config
	pool *pgxpool.Pool
}

func newStage(tb testing.TB) *stage {
	tb.Helper()
	cfg, err := env.ParseAsWithOptions[settings.Config](env.Options{Environment: map[string]string{
		"DATABASE_URL":        pgtest.URL(tb),
		"KAFKA_BROKERS":       strings.Join(kafkatest.Brokers(tb), ","),
		"BESTOW_TOPIC_PREFIX": kafkatest.Prefix(tb),
		"BESTOW_ADDR":         "127.0.0.1:0",
		"BESTOW_OPS_ADDR":     "127.0.0.1:0",
		"BESTOW_ADMIN_KEY":    "test",
		"BESTOW_MASTER_KEY":   seal.GenerateMaster(),
		"BESTOW_DB_MAX_CONNS": "12",
	}})
	require.NoError(tb, err)
	pool, err := daemon.OpenPool(tb.Context(), cfg)
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	return &stage{TB: tb, cfg: cfg, pool: pool}
}

// start runs a process in the roles until the test ends.
func (w *stage) start(with daemon.Overrides, roles ...string) *daemon.Process {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	p, err := daemon.New(ctx, w.cfg, roles, slog.New(slog.DiscardHandler), with)
	require.NoError(w, err)
	ran := make(chan error, 1)
	go func() { ran <- p.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		assert.NoError(w, <-ran)
		p.Close()
	})
	return p
}

// run starts an event.
func (w *stage) run(p *daemon.Process, e domain.Event) {
	w.Helper()
	_, _, err := p.App.Events.Start(w.Context(), demoCaller, e.ID)
	require.NoError(w, err)
}

// completed waits until the event is COMPLETED.
func (w *stage) completed(p *daemon.Process, id int64) {
	w.Helper()
	require.Eventually(w, func() bool {
		e, err := p.App.Events.Get(w.Context(), id)
		return err == nil && e.Status == domain.Completed
	}, 2*time.Minute, 20*time.Millisecond)
}

func (w *stage) exec(change string) {
	w.Helper()
	_, err := w.pool.Exec(w.Context(), change)
	require.NoError(w, err)
}

// count is the number that a query gives.
func (w *stage) count(query string) (n int) {
	w.Helper()
	require.NoError(w, w.pool.QueryRow(w.Context(), query).Scan(&n))
	return n
}
