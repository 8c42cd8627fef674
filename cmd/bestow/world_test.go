package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/command"
	"bestow/app/imports"
	"bestow/app/verify"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/domain"
	"bestow/internal/kafkatest"
	"bestow/internal/pgtest"
	"bestow/internal/seal"

	"github.com/caarlos0/env/v11"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if os.Getenv(asBestow) != "" {
		main()
	}
	if address := os.Getenv(couponAddress); address != "" {
		_, _ = fmt.Fprintln(os.Stderr, serveCoupons(address))
		os.Exit(1)
	}
	pgtest.Main(m, kafkatest.Leaks()...)
}

// world is an installation of the test's own: a database, topics of their own prefix, and the processes it starts.
type world struct {
	testing.TB
	cfg  settings.Config
	pool *pgxpool.Pool
	log  *slog.Logger
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	url, brokers := pgtest.URL(tb), kafkatest.Brokers(tb)
	cfg, err := env.ParseAsWithOptions[settings.Config](env.Options{Environment: map[string]string{
		"DATABASE_URL":           url,
		"KAFKA_BROKERS":          strings.Join(brokers, ","),
		"BESTOW_TOPIC_PREFIX":    kafkatest.Prefix(tb),
		"BESTOW_ADDR":            "127.0.0.1:0",
		"BESTOW_OPS_ADDR":        "127.0.0.1:0",
		"BESTOW_ADMIN_KEY":       "test",
		"BESTOW_MASTER_KEY":      seal.GenerateMaster(),
		"BESTOW_MESSAGE_TARGETS": "100",
		"BESTOW_RETRY_BACKOFF":   "100ms",
		"BESTOW_DB_MAX_CONNS":    "12",
	}})
	require.NoError(tb, err)
	pool, err := daemon.OpenPool(tb.Context(), cfg)
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	return &world{TB: tb, cfg: cfg, pool: pool, log: slog.New(slog.DiscardHandler)}
}

// start runs a process in the roles until the test ends, or until the returned function is called.
func (w *world) start(ctx context.Context, with daemon.Overrides, roles ...string) (p *daemon.Process, stop func()) {
	w.Helper()
	p = w.process(ctx, with, roles...)
	return p, w.launch(ctx, p)
}

// process is one that does not run yet.
func (w *world) process(ctx context.Context, with daemon.Overrides, roles ...string) *daemon.Process {
	w.Helper()
	limits := with.Limits
	with.Limits = func(l *app.Limits) {
		l.ClaimLease, l.GrantBudget = 2*time.Second, time.Second
		if limits != nil {
			limits(l)
		}
	}
	p, err := daemon.New(ctx, w.cfg, roles, w.log, with)
	require.NoError(w, err)
	return p
}

// launch lets a process run until stop is called.
func (w *world) launch(ctx context.Context, p *daemon.Process) (stop func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- p.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ran; err != nil {
			w.Errorf("process ended: %v", err)
		}
		p.Close()
	}
	w.Cleanup(stop)
	return stop
}

var operator = command.Caller{Actor: "test"}

// event makes an event with n members.
func (w *world) event(p *daemon.Process, kind string, n int) domain.Event {
	w.Helper()
	return w.eventIn(p, kind, n, nil)
}

// eventIn makes an event with n members in so many partitions; nil: the usual number.
func (w *world) eventIn(p *daemon.Process, kind string, n int, partitions *int) domain.Event {
	w.Helper()
	amount := int64(500)
	e, err := p.App.Events.Create(w.Context(), operator, app.NewEvent{
		CampaignID: fmt.Sprintf("c-%s-%d", kind, time.Now().UnixNano()), EventType: kind, DefaultAmount: &amount,
		DefaultReason: "spring", Partitions: partitions,
	})
	require.NoError(w, err)
	res, err := p.App.Targets.Import(w.Context(), operator, e.Value.ID,
		imports.Upload{Body: memberList(n), ContentType: "text/csv"})
	require.NoError(w, err)
	require.Equal(w, n, res.Value.Accepted)
	return e.Value
}

// memberList is a CSV of n members m0000000 ….
func memberList(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		var b strings.Builder
		b.WriteString("member_id,amount,reason\n")
		for i := range n {
			fmt.Fprintf(&b, "m%07d,%d,\n", i, 100+i%7*100)
			if b.Len() > 60_000 {
				if _, err := io.WriteString(w, b.String()); err != nil {
					return
				}
				b.Reset()
			}
		}
		_, _ = io.WriteString(w, b.String())
		_ = w.Close()
	}()
	return r
}

func (w *world) run(p *daemon.Process, e domain.Event) {
	w.Helper()
	_, _, err := p.App.Events.Start(w.Context(), operator, e.ID)
	require.NoError(w, err)
}

// completed waits until the event is COMPLETED and returns it.
func (w *world) completed(p *daemon.Process, id int64) domain.Event {
	w.Helper()
	var e domain.Event
	require.Eventually(w, func() bool {
		var err error
		e, err = p.App.Events.Get(w.Context(), id)
		return err == nil && e.Status == domain.Completed
	}, 2*time.Minute, 20*time.Millisecond, "event %d: %+v", id, e)
	return e
}

// exact asserts that every target of the event was granted once and that every invariant holds.
func (w *world) exact(p *daemon.Process, e domain.Event) {
	w.Helper()
	require.Equal(w, e.TotalCount, e.Summary.Published)
	require.Equal(w, e.TotalCount, e.Summary.Success)
	require.Zero(w, e.Summary.Fail)
	w.verified(p)
}

// verified asserts that every invariant holds for all events.
func (w *world) verified(p *daemon.Process) {
	w.Helper()
	report, err := p.App.Verify.Verify(w.Context(), verify.Query{})
	require.NoError(w, err)
	for _, i := range report.Invariants {
		require.True(w, i.OK, "%s %s: %v", i.ID, i.Statement, i.Examples)
	}
	require.True(w, report.OK)
}

// count is the number that a query gives.
func (w *world) count(query string, args ...any) (n int) {
	w.Helper()
	require.NoError(w, w.pool.QueryRow(w.Context(), query, args...).Scan(&n))
	return n
}

// installation is the id of the world's installation. Worlds are copies of one database, so they share it.
func (w *world) installation() (id string) {
	w.Helper()
	require.NoError(w, w.pool.QueryRow(w.Context(), `SELECT id::text FROM installation`).Scan(&id))
	return id
}

// group is the consumer group of a topic.
func (w *world) group(topic string) string { return "bestow." + w.installation() + "." + topic }
