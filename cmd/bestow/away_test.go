package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/grants"
	"bestow/cmd/bestow/daemon"
	bestowhttp "bestow/http"
	"bestow/money"
	"bestow/money/breaker"
	"bestow/outbox"

	"github.com/stretchr/testify/require"
)

// The ways in which a ledger is away.
const (
	present  = iota
	refusing // no connection
	broken   // an answer that says nothing, such as a 503
	silent   // it applies, and nobody hears of it in time
)

// outage is a ledger that can be away.
type outage struct {
	breaker.Ledger
	how   atomic.Int32
	calls atomic.Int32 // while it was away
	last  atomic.Int32 // after how many answers it breaks by itself; 0: never
}

func (o *outage) overrides() daemon.Overrides {
	return daemon.Overrides{Ledger: func(l breaker.Ledger) breaker.Ledger { o.Ledger = l; return o }}
}

// fail returns what a call gets, after apply where the ledger applies it all the same.
func (o *outage) fail(ctx context.Context, apply func()) error {
	switch o.how.Load() {
	case refusing:
		o.calls.Add(1)
		return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case broken:
		o.calls.Add(1)
		return errors.New("503 Service Unavailable")
	case silent:
		o.calls.Add(1)
		apply()
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (o *outage) GrantPoints(ctx context.Context, deadline time.Time, items []money.Item) ([]money.Answer, error) {
	if err := o.fail(ctx, func() { _, _ = o.Ledger.GrantPoints(ctx, deadline, items) }); err != nil {
		return nil, err
	}
	answers, err := o.Ledger.GrantPoints(ctx, deadline, items)
	if o.last.Add(-1) == 0 {
		o.how.Store(broken)
	}
	return answers, err
}

func (o *outage) LookupPoints(ctx context.Context, keys []string) ([]money.Found, error) {
	if err := o.fail(ctx, func() {}); err != nil {
		return nil, err
	}
	return o.Ledger.LookupPoints(ctx, keys)
}

// lines counts the messages of a log.
type lines struct {
	slog.Handler
	mu sync.Mutex
	n  map[string]int
	// said holds the lines in their order, for a test that fails.
	said []string
}

func newLines() *lines { return &lines{Handler: slog.DiscardHandler, n: map[string]int{}} }

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }

func (l *lines) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n[r.Level.String()+" "+r.Message]++
	line := r.Time.Format("15:04:05.000 ") + r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	l.said = append(l.said, line)
	return nil
}

func (l *lines) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l *lines) WithGroup(string) slog.Handler { return l }

// told returns how many lines have the text.
func (l *lines) told(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.said {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// shown returns what an operator sees of the log.
func (l *lines) shown() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.said {
		if _, said, _ := strings.Cut(line, " "); !strings.HasPrefix(said, "DEBUG") {
			all = append(all, line)
		}
	}
	return all
}

// texts returns how often an operator sees each text, in the lines behind the first ones.
func (l *lines) texts(behind int) map[string]int {
	count := map[string]int{}
	for _, line := range l.shown()[behind:] {
		_, said, _ := strings.Cut(line, " ")
		text, _, _ := strings.Cut(said, "=")
		count[text[:max(0, strings.LastIndexByte(text, ' '))]]++
	}
	return count
}

// String returns what was said.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.said, "\n")
}

// count returns how many messages begin so.
func (l *lines) count(begin string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for message, times := range l.n {
		if strings.HasPrefix(message, begin) {
			n += times
		}
	}
	return n
}

// While the ledger is away grants wait, nothing is counted and hardly anybody asks; when it is back they go on by
// themselves, and each member is granted once (F31).
func TestMoneyAway(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]int32{
		"no connection": refusing, "503": broken,
		"applied and never answered": silent,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			log := newLines()
			w.log = slog.New(log)
			var ledger outage
			ledger.how.Store(how)
			p, _ := w.start(t.Context(), ledger.overrides(), daemon.AllRoles...)
			e := w.event(p, "POINT", 2_000)
			w.run(p, e)
			require.Eventually(t, func() bool { return p.Granter.Away(e) != nil }, time.Minute, 5*time.Millisecond)
			began, before := time.Now(), ledger.calls.Load()
			require.Eventually(t, func() bool { return ledger.calls.Load() >= before+3 }, time.Minute,
				20*time.Millisecond, "it is looked for")
			asked := int(ledger.calls.Load() - before)
			require.LessOrEqual(t, asked, 5+int(time.Since(began)/breaker.Probe), "and left alone otherwise")
			require.Zero(t, w.count(`SELECT count(*) FROM point_results`))
			require.Zero(t, w.count(`SELECT fail_count FROM campaign_event_summary`))
			require.Eventually(t, func() bool { return w.count(`SELECT sum(attempts) FROM grant_chunks`) <= 1 },
				time.Minute, 5*time.Millisecond,
				"but for the call that looks for it, and who claimed in that moment and gives back")
			require.Equal(t, 1, log.count("ERROR the ledger is away"), "one alarm")
			require.LessOrEqual(t, log.count("ERROR chunk was not handled"), breaker.AwayAfter,
				"and not one for each message")
			require.Eventually(t, func() bool {
				return strings.HasPrefix(w.ready(p), `{"ok":true,"waits_for":["money"]`)
			}, time.Minute, 5*time.Millisecond,
				"but for the moment in which it is looked for")

			back := time.Now()
			ledger.how.Store(present)
			done := w.completed(p, e.ID)
			require.Less(t, time.Since(back), 30*time.Second)
			w.exact(p, done)
			require.Zero(t,
				w.count(`SELECT count(*) FROM point_results WHERE retry_count > 0 OR error_code IS NOT NULL`))
			require.Zero(t, w.count(`SELECT sum(attempts) FROM grant_chunks`))
			require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
			require.Equal(t, 2_000, w.count(`SELECT count(*) FROM money.point_member`))
			require.Equal(t, 1, log.count("ERROR the ledger is away"))
			require.Equal(t, 1, log.count("INFO the ledger is back"))
			require.Eventually(t, func() bool { return strings.TrimSpace(w.ready(p)) == `{"ok":true}` }, time.Minute,
				20*time.Millisecond,
				"when the heart has beaten")
		})
	}
}

// ready returns what /readyz says of p.
func (w *world) ready(p *daemon.Process) string {
	w.Helper()
	answer := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(w.Context(), http.MethodGet, "/readyz", nil)
	bestowhttp.NewOps(p.Ops()).ServeHTTP(answer, req)
	return answer.Body.String()
}

// While the ledger is away a message is refused before anything is claimed.
func TestNoClaimWhileTheLedgerIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ledger outage
	with := ledger.overrides()
	with.Probe = 10 * time.Second // nobody looks for it before the message is refused
	p, _ := w.start(t.Context(), with, daemon.RoleAPI)
	e := w.event(p, "POINT", 20)
	w.run(p, e)
	m := w.message(e)
	ledger.how.Store(refusing)
	for range breaker.AwayAfter {
		_, err := p.Granter.Grant(t.Context(), e, time.Now().Add(time.Minute), m.Grants)
		require.ErrorIs(t, err, grants.ErrNotApplied, "no connection, so nothing was applied")
	}
	require.ErrorIs(t, p.App.Grants.Handle(t.Context(), m), outbox.ErrBusy)
	require.Zero(t, w.count(`SELECT count(*) FROM grant_chunks WHERE claimed_at IS NOT NULL`))
	ledger.how.Store(present)
	require.Eventually(t, func() bool { return p.App.Grants.Handle(t.Context(), m) == nil }, time.Minute,
		20*time.Millisecond)
	require.Equal(t, len(m.Grants), w.count(`SELECT count(*) FROM point_results WHERE status = 'SUCCESS'`))
}

// Granted without an answer, asked for again without a connection, then stopped: what the first call granted is settled
// by lookup while the event stands still. The second call, which asked for nothing, does not take the doubt away.
func TestStoppedWhileTheLedgerIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ledger outage
	with := ledger.overrides()
	with.Limits = func(l *app.Limits) { l.ClaimLease, l.GrantBudget = 4*time.Second, 2*time.Second }
	p, _ := w.start(t.Context(), with, daemon.RoleAPI)
	e := w.event(p, "POINT", 20)
	w.run(p, e)
	m := w.message(e)
	ledger.how.Store(silent)
	require.ErrorIs(t, p.App.Grants.Handle(t.Context(), m), context.DeadlineExceeded)
	require.Equal(t, len(m.Grants), w.count(`SELECT count(*) FROM money.point_member`))
	require.Zero(t, w.count(`SELECT count(*) FROM point_results`), "nobody knows yet")
	ledger.how.Store(refusing)
	var refused *net.OpError
	require.Eventually(t, func() bool { return errors.As(p.App.Grants.Handle(t.Context(), m), &refused) }, time.Minute,
		20*time.Millisecond)
	require.Zero(t, w.count(`SELECT sum(attempts) FROM grant_chunks`))
	_, err := p.App.Events.Stop(t.Context(), operator, e.ID, "the ledger is away")
	require.NoError(t, err)
	ledger.how.Store(present)
	require.Eventually(t, func() bool { return p.App.Grants.Handle(t.Context(), m) == nil }, time.Minute,
		20*time.Millisecond)
	require.Equal(t, len(m.Grants), w.count(`SELECT success_count FROM campaign_event_summary`),
		"what the ledger has, the report has")
}

// listen gives w's processes a log that the test can count in.
func (w *world) listen() *lines {
	l := newLines()
	w.log = slog.New(l)
	return l
}
