package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bestow/app/grants"
	"bestow/app/processes"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/proc"

	"github.com/stretchr/testify/require"
)

const moneyToken = "the-token-of-the-ledger"

// listener says where a ledger is reached: it can be killed, and come back at its address.
type listener struct {
	*world
	url     string
	handler atomic.Pointer[http.Handler]
	server  *http.Server
	done    chan struct{}
}

// serveAt lets h answer at an address of its own until the test ends.
func (w *world) serveAt(h http.Handler) *listener {
	w.Helper()
	l := &listener{world: w}
	l.become(h)
	addr, err := proc.FreeAddress(w.Context())
	require.NoError(w, err)
	l.listen(addr)
	w.Cleanup(func() { l.kill() })
	return l
}

// become lets another handler answer.
func (l *listener) become(h http.Handler) { l.handler.Store(&h) }

func (l *listener) listen(addr string) {
	l.Helper()
	var on net.Listener
	require.Eventually(l, func() (ok bool) {
		var err error
		on, err = (&net.ListenConfig{}).Listen(l.Context(), "tcp", addr)
		return err == nil
	}, time.Minute, 10*time.Millisecond, "the address is free")
	l.url, l.done = "http://"+on.Addr().String(), make(chan struct{})
	l.server = &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			(*l.handler.Load()).ServeHTTP(w, r)
		}),
	}
	go func() {
		defer close(l.done)
		if err := l.server.Serve(on); !errors.Is(err, http.ErrServerClosed) {
			l.Errorf("serve: %v", err)
		}
	}()
}

// kill cuts every connection in the middle of what it does.
func (l *listener) kill() {
	_ = l.server.Close()
	<-l.done
}

// comeBack listens at the same address again.
func (l *listener) comeBack() { l.listen(strings.TrimPrefix(l.url, "http://")) }

// ledgerService is the money API of w's database, by a process of the role money alone.
func (w *world) ledgerService() http.Handler {
	w.Helper()
	alone := *w
	alone.cfg.MoneyURL, alone.cfg.MoneyToken = "", moneyToken
	p := alone.process(w.Context(), daemon.Overrides{}, daemon.RoleMoney)
	w.Cleanup(p.Close)
	return p.Service
}

// asks lets w's processes ask the ledger at l.
func (w *world) asks(l *listener) { w.cfg.MoneyURL, w.cfg.MoneyToken = l.url, moneyToken }

// quickLooks lets the processes see within a moment that a ledger has changed.
var quickLooks = daemon.Overrides{Probe: 50 * time.Millisecond, Beat: 100 * time.Millisecond}

var campaignRoles = slices.DeleteFunc(slices.Clone(daemon.AllRoles),
	func(role string) bool { return role == daemon.RoleMoney })

// Grants go over HTTP, each member once, while the ledger is killed in the middle of them again and again.
func TestGrantsOverHTTP(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"POINT", "VOUCHER"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ledger := w.serveAt(w.ledgerService())
			w.asks(ledger)
			p, _ := w.start(t.Context(), quickLooks, campaignRoles...)
			e := w.event(p, kind, 3_000)
			w.run(p, e)
			for n := range 5 {
				require.Eventually(t, func() bool {
					return w.count(`SELECT coalesce(sum(success_count), 0) FROM campaign_event_summary`) > n*400
				}, time.Minute, time.Millisecond)
				ledger.kill()
				ledger.comeBack()
			}
			w.exact(p, w.completed(p, e.ID))
			require.Equal(t, 3_000,
				w.count(`SELECT (SELECT count(*) FROM money.point_member) + (SELECT count(*) FROM money.vouchers)`))
			require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
			require.Equal(t,
				1,
				w.count(`SELECT count(*) FROM granter_ledgers g, money.ledger l WHERE g.granter = 'money' AND g.ledger_id = l.id::text
				AND l.installation = (SELECT id FROM installation)`))
		})
	}
}

// The role money listens at its own address, asks for its token, and says nothing without one.
func TestMoneyListens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := daemon.New(t.Context(), w.cfg, []string{daemon.RoleMoney}, w.log, daemon.Overrides{})
	require.ErrorContains(t, err, "BESTOW_MONEY_TOKEN is not set")
	free := httptest.NewServer(http.NotFoundHandler())
	w.cfg.MoneyAddr, w.cfg.MoneyToken = strings.TrimPrefix(free.URL, "http://"), moneyToken
	free.Close()
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleMoney)
	require.Eventually(t, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, free.URL+"/money/v1/identity", nil)
		require.NoError(t, err)
		got, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		require.NoError(t, got.Body.Close())
		return got.StatusCode == http.StatusUnauthorized
	}, time.Minute, 10*time.Millisecond)
}

// waitsFor waits until the event says that it waits for its ledger, and returns the words.
func (w *world) waitsFor(p *daemon.Process, e domain.Event) (text string) {
	w.Helper()
	return w.waitsForCode(p, e, processes.LedgerAway)
}

// waitsForCode waits until the event says that it waits for something of this code, and returns the words.
func (w *world) waitsForCode(p *daemon.Process, e domain.Event, code domain.Code) (text string) {
	w.Helper()
	require.Eventually(w, func() bool {
		all, err := p.App.Reports.WaitingFor(w.Context(), []domain.Event{w.get(p, e.ID)})
		require.NoError(w, err)
		for _, r := range all[e.ID] {
			if r.Code == code {
				text = r.Text
			}
		}
		return text != ""
	}, time.Minute, 20*time.Millisecond)
	return text
}

func (w *world) get(p *daemon.Process, id int64) domain.Event {
	w.Helper()
	e, err := p.App.Events.Get(w.Context(), id)
	require.NoError(w, err)
	return e
}

// otherLedgerID gives the ledger of w's database another id, as a database of another installation has.
func (w *world) otherLedgerID() {
	w.Helper()
	w.exec(`UPDATE money.ledger SET id = gen_random_uuid()`)
}

// D3: another ledger at the address knows no keys. It is never asked; the event waits for the one that it was.
func TestAnotherLedgerAtTheAddress(t *testing.T) {
	t.Parallel()
	w, theirs := newWorld(t), newWorld(t)
	theirs.otherLedgerID()
	ours := w.ledgerService()
	ledger := w.serveAt(ours)
	w.asks(ledger)
	p, _ := w.start(t.Context(), quickLooks, campaignRoles...)
	first := w.event(p, "POINT", 100)
	w.run(p, first)
	w.exact(p, w.completed(p, first.ID))

	ledger.become(theirs.ledgerService())
	e := w.event(p, "POINT", 300)
	w.run(p, e)
	require.Eventually(t, func() bool { // the first words may be the ledger's own refusal
		return strings.Contains(w.waitsFor(p, e), "let its address lead to that one again")
	}, time.Minute, 50*time.Millisecond)
	require.Contains(t, w.ready(p), `"waits_for":["money"]`)
	require.Zero(t, theirs.count(`SELECT count(*) FROM money.point_member`))
	require.Zero(t, w.count(`SELECT fail_count FROM campaign_event_summary WHERE event_id = $1`, e.ID))

	ledger.become(ours)
	w.exact(p, w.completed(p, e.ID))
	require.Equal(t, 400, w.count(`SELECT count(*) FROM money.point_member`))
	require.Zero(t, theirs.count(`SELECT count(*) FROM money.point_member`))
}

// A ledger that answers grants, and not any more who it is, may be another one by now: it is away until it says so.
func TestLedgerThatDoesNotSayWhichItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var silent atomic.Bool
	service := w.ledgerService()
	w.asks(w.serveAt(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if silent.Load() && strings.HasSuffix(r.URL.Path, "/identity") {
			http.Error(rw, "no", http.StatusBadGateway)
			return
		}
		service.ServeHTTP(rw, r)
	})))
	p, _ := w.start(t.Context(), quickLooks, campaignRoles...)
	first := w.event(p, "POINT", 100)
	w.run(p, first)
	w.exact(p, w.completed(p, first.ID))

	silent.Store(true)
	require.Eventually(t, func() bool { return p.Granter.Away(first) != nil }, time.Minute, 10*time.Millisecond)
	e := w.event(p, "POINT", 300)
	w.run(p, e)
	require.Contains(t, w.waitsFor(p, e),
		"the ledger money does not answer: it does not say any more which ledger it is: ")
	require.Contains(t, w.ready(p), `"waits_for":["money"]`)
	require.Equal(t, 100, w.count(`SELECT count(*) FROM money.point_member`))

	silent.Store(false)
	w.exact(p, w.completed(p, e.ID))
	require.Equal(t, 400, w.count(`SELECT count(*) FROM money.point_member`))
}

// A proxy that answers 404 to everything, before the ledger is there, is not taken for a ledger without an identity.
func TestNotFoundIsNoLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ledger := w.serveAt(http.NotFoundHandler())
	w.asks(ledger)
	p, _ := w.start(t.Context(), quickLooks, campaignRoles...)
	e := w.event(p, "POINT", 100)
	w.run(p, e)
	require.Contains(t, w.waitsFor(p, e), "and no lookup")
	require.Zero(t, w.count(`SELECT count(*) FROM granter_ledgers`))
	ledger.become(w.ledgerService())
	w.exact(p, w.completed(p, e.ID))
}

// D2: a ledger that takes another installation's grants is never asked: its keys are the same text, so that it would
// answer what that one was granted.
func TestLedgerOfAnotherInstallation(t *testing.T) {
	t.Parallel()
	w, theirs := newWorld(t), newWorld(t)
	theirs.exec(`UPDATE installation SET id = gen_random_uuid()`)
	q, _ := theirs.start(t.Context(), quickLooks, daemon.AllRoles...)
	e := theirs.event(q, "POINT", 100)
	theirs.run(q, e)
	theirs.exact(q, theirs.completed(q, e.ID))

	w.asks(w.serveAt(theirs.ledgerService()))
	p, _ := w.start(t.Context(), quickLooks, campaignRoles...)
	same := w.event(p, "POINT", 100)
	require.Equal(t, e.ID, same.ID, "the same event id, so the same keys")
	w.run(p, same)
	require.Contains(t, w.waitsFor(p, same), "it takes the grants of the installation "+theirs.installation())
	require.Zero(t, w.count(`SELECT count(*) FROM point_results`), "nothing is taken for granted")
	require.Equal(t, 100, theirs.count(`SELECT count(*) FROM money.point_member`))
	require.Zero(t, w.count(`SELECT count(*) FROM granter_ledgers`))
}

// D2: a copied database that kept its ledger, but not its installation, is refused when a handler starts; and so is one
// whose grants went elsewhere.
func TestOwnLedgerThatIsAnothers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	start := func() error {
		p, err := daemon.New(t.Context(), w.cfg, []string{daemon.RoleHandler}, w.log, daemon.Overrides{})
		if err == nil {
			p.Close()
		}
		return err
	}
	require.NoError(t, start())
	w.exec(`UPDATE installation SET id = gen_random_uuid()`)
	require.ErrorContains(t, start(), "`bestow installation new` gives it a ledger of its own")
	w.exec(`UPDATE money.ledger SET installation = (SELECT id FROM installation), id = gen_random_uuid()`)
	require.ErrorContains(t, start(), "set BESTOW_MONEY_URL to where that ledger is")
}

// D6: a ledger whose clock is more than two seconds off is not asked: it would apply after the deadline.
func TestLedgersClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var off atomic.Int64
	w.asks(w.serveAt(&lyingClock{w.ledgerService(), &off}))
	off.Store(int64(-3 * time.Second))
	p, _ := w.start(t.Context(), quickLooks, campaignRoles...)
	e := w.event(p, "POINT", 100)
	w.run(p, e)
	require.Contains(t, w.waitsFor(p, e), "behind the database's")
	off.Store(int64(1500 * time.Millisecond))
	w.exact(p, w.completed(p, e.ID))
	off.Store(int64(3 * time.Second))
	require.Eventually(t, func() bool { return p.Granter.Away(e) != nil }, time.Minute, 10*time.Millisecond)
	require.ErrorContains(t, p.Granter.Away(e), "ahead of the database's")
	_, err := p.Granter.Grant(t.Context(), e, time.Now().Add(time.Minute),
		[]domain.Grant{{MemberID: "late", Amount: 1}})
	require.ErrorIs(t, err, grants.ErrNotApplied)
}

// lyingClock is a ledger that shows a wrong time.
type lyingClock struct {
	http.Handler
	off *atomic.Int64
}

func (l *lyingClock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/identity") {
		l.Handler.ServeHTTP(w, r)
		return
	}
	said := httptest.NewRecorder()
	l.Handler.ServeHTTP(said, r)
	answer(w, map[string]any{"time": time.Now().Add(time.Duration(l.off.Load()))}, said.Body.Bytes())
}

// A token that the ledger does not know opens the breaker at the first call: nothing is asked in vain.
func TestWrongToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked atomic.Int32
	service := w.ledgerService()
	ledger := w.serveAt(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/grants") {
			asked.Add(1)
			r.Header.Set("Authorization", "Bearer of another")
		}
		service.ServeHTTP(rw, r)
	}))
	w.asks(ledger)
	with := quickLooks
	with.Probe = time.Minute
	p, _ := w.start(t.Context(), with, daemon.RoleHandler)
	e := domain.Event{
		ID:   1,
		Type: domain.EventType{Code: "POINT", Granter: domain.OurGranter, Operation: domain.Points},
	}
	for range 5 {
		_, err := p.Granter.Grant(context.WithoutCancel(t.Context()), e, time.Now().Add(time.Minute),
			[]domain.Grant{{MemberID: "m", Amount: 1}})
		require.ErrorIs(t, err, grants.ErrNotApplied)
		require.ErrorContains(t, err, "401")
	}
	require.Equal(t, int32(1), asked.Load())
}
