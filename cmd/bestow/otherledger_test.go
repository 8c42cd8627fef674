package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bestow/app/grants"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// otherLedger is another company's: the four grant routes in memory, and who it is, if that is set.
type otherLedger struct {
	identity map[string]any // nil: it has no such route
	forgets  bool           // it says a voucher's code and PIN once only
	drop     int            // so many answers to grants are lost after they were applied
	busy     int            // so many requests for the identity are answered with 503
	deaf     bool           // it has no route at all

	mu     sync.Mutex
	grants map[string]map[string]any // by key
}

// change changes what the ledger knows or says, between two of its answers.
func (l *otherLedger) change(how func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	how()
}

// granted returns what it granted until now, by key.
func (l *otherLedger) granted() map[string]map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.grants)
}

// answer writes fields over those of a JSON object.
func answer(w http.ResponseWriter, over map[string]any, object []byte) {
	all := map[string]any{}
	_ = json.Unmarshal(object, &all)
	maps.Copy(all, over)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(all)
}

func (l *otherLedger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	route := strings.TrimPrefix(r.URL.Path, "/money/v1/")
	switch {
	case l.deaf:
		http.NotFound(w, r)
	case route == "identity" && l.busy > 0:
		l.busy--
		w.WriteHeader(http.StatusServiceUnavailable)
	case route == "identity" && l.identity != nil:
		answer(w, l.identity, []byte(fmt.Sprintf(`{"time":%q}`, time.Now().UTC().Format(time.RFC3339Nano))))
	case strings.HasSuffix(route, "/grants"):
		items := l.grant(r, strings.HasPrefix(route, "vouchers"))
		if l.drop--; l.drop >= 0 {
			panic(http.ErrAbortHandler) //nolint:forbidigo // cuts the connection
		}
		answer(w, map[string]any{"items": items}, nil)
	case strings.HasSuffix(route, "/grants/lookup"):
		answer(w, map[string]any{"items": l.lookup(r)}, nil)
	default:
		http.NotFound(w, r)
	}
}

func (l *otherLedger) grant(r *http.Request, vouchers bool) (items []map[string]any) {
	var asked struct {
		Items []map[string]any `json:"items"`
	}
	_ = json.NewDecoder(r.Body).Decode(&asked)
	for _, i := range asked.Items {
		key, _ := i["idempotency_key"].(string)
		if l.grants[key] != nil {
			items = append(items, l.again(key, "replayed"))
			continue
		}
		g := map[string]any{
			"idempotency_key": key, "member_id": i["member_id"], "amount": i["amount"],
			"money_tx_id": fmt.Sprint("X", len(l.grants)+1),
		}
		if vouchers {
			g["voucher_code"], g["voucher_pin"] = fmt.Sprint("CODE-", len(l.grants)), "1234"
		}
		if l.grants == nil {
			l.grants = map[string]map[string]any{}
		}
		l.grants[key] = g
		said := maps.Clone(g)
		said["outcome"] = "granted"
		items = append(items, said)
	}
	return items
}

// again returns what the ledger says of a grant that it made before.
func (l *otherLedger) again(key, outcome string) map[string]any {
	said := maps.Clone(l.grants[key])
	said["outcome"] = outcome
	if l.forgets {
		delete(said, "voucher_code")
		delete(said, "voucher_pin")
	}
	return said
}

func (l *otherLedger) lookup(r *http.Request) (items []map[string]any) {
	var asked struct {
		Keys []string `json:"idempotency_keys"`
	}
	_ = json.NewDecoder(r.Body).Decode(&asked)
	for _, key := range asked.Keys {
		if l.grants[key] == nil {
			items = append(items, map[string]any{"idempotency_key": key, "outcome": "unknown_key"})
			continue
		}
		items = append(items, l.again(key, "granted"))
	}
	return items
}

// granter adds a further ledger to those that w's processes know, and an event type that names it.
func (w *world) granter(name string, l *listener, kind string, op domain.Operation) {
	w.Helper()
	file := filepath.Join(w.TempDir(), "token")
	require.NoError(w, os.WriteFile(file, []byte(moneyToken), 0o600))
	w.cfg.Others = append(w.cfg.Others,
		settings.LedgerAddress{Name: name, Setting: "BESTOW_GRANTERS: " + name, URL: l.url, Token: moneyToken})
	w.exec(`INSERT INTO event_types (code, label, granter, operation, topic) VALUES ($1, '-', $2, $3, $4)`,
		kind, name, op, strings.ToLower(kind))
	w.exec(`SELECT create_event_type_tables($1, $2)`, kind, op)
	w.exec(`UPDATE event_types SET state = 'READY' WHERE code = $1`, kind)
}

// D1: a ledger that is away, since it was never there or since it went, stops its own events and no other.
func TestOneDeadLedgerStopsNoOther(t *testing.T) {
	t.Parallel()
	for says, gone := range map[string]bool{
		"it has not said yet which ledger it is": false,
		"the ledger coffee does not answer":      true,
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			other := &otherLedger{}
			ledger := w.serveAt(other)
			w.granter("coffee", ledger, "COFFEE", domain.Points)
			if !gone {
				ledger.kill()
			}
			p, _ := w.start(t.Context(), quickLooks, daemon.AllRoles...)
			if gone {
				ledger.kill()
			}
			w.served("coffee")
			coffee, points := w.event(p, "COFFEE", 500), w.event(p, "POINT", 1_000)
			w.run(p, coffee)
			require.Contains(t, w.waitsFor(p, coffee), says)
			w.run(p, points)
			require.Equal(t, 1_000, w.completed(p, points.ID).Summary.Success)
			require.Contains(t, w.ready(p), `"waits_for":["coffee"]`)
			require.Equal(t, domain.Running, w.get(p, coffee.ID).Status)

			ledger.comeBack()
			require.Equal(t, 500, w.completed(p, coffee.ID).Summary.Success)
			require.Len(t, other.granted(), 500)
			key := fmt.Sprintf("%s:grant:%d:m0000007", w.installation(), coffee.ID)
			require.NotNil(t, other.granted()[key], "keys name the installation: the ledger grants for others too")
		})
	}
}

// D5: a ledger that does not say a voucher's code again settles what it issued as a success without one, which is
// shown, and is not asked for ever.
func TestSecretLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := &otherLedger{
		forgets: true, drop: 2,
		identity: map[string]any{"ledger_id": "theirs", "capabilities": []string{"points", "vouchers"}},
	}
	w.granter("coupon", w.serveAt(other), "COUPON", domain.Vouchers)
	p, _ := w.start(t.Context(), quickLooks, daemon.AllRoles...)
	w.served("coupon")
	e := w.event(p, "COUPON", 300)
	w.run(p, e)
	done := w.completed(p, e.ID)
	require.Equal(t, 300, done.Summary.Success)
	require.Len(t, other.granted(), 300)
	lost := w.count(`SELECT count(*) FROM coupon_results WHERE status = 'SUCCESS' AND error_code = 'secret_lost' AND voucher_code IS NULL AND money_tx_id IS NOT NULL`)
	require.Positive(t, lost)
	require.Equal(t, 300-lost,
		w.count(`SELECT count(*) FROM coupon_results WHERE status = 'SUCCESS' AND error_code IS NULL AND voucher_pin IS NOT NULL`))
	require.Equal(t, 1,
		w.count(`SELECT count(*) FROM granter_ledgers WHERE granter = 'coupon' AND ledger_id = 'theirs'`))
}

// D4: a handler without the ledger of a type leaves its topics to those that have it. Without one that has it nothing
// of the type starts, and what runs says what it waits for.
func TestOnlyOneHandlerHasTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := &otherLedger{}
	ledger := w.serveAt(other)
	poor := *w
	w.granter("coffee", ledger, "COFFEE", domain.Points)
	p, _ := poor.start(t.Context(), quickLooks, daemon.AllRoles...)
	points, coffee := w.event(p, "POINT", 500), w.event(p, "COFFEE", 500)
	_, _, err := p.App.Events.Start(t.Context(), operator, coffee.ID)
	require.ErrorIs(t, err, &domain.Error{Code: domain.GranterUnknown})
	require.ErrorContains(t, err, "no handler that runs has the ledger coffee")

	_, stop := w.start(t.Context(), quickLooks, daemon.RoleHandler)
	w.served("coffee")
	w.run(p, coffee)
	w.run(p, points)
	require.Equal(t, 500, w.completed(p, coffee.ID).Summary.Success)
	require.Equal(t, 500, w.completed(p, points.ID).Summary.Success)
	require.Zero(t, p.Router.Assigned(coffee.Type))

	ledger.kill()
	next := w.event(p, "COFFEE", 500)
	w.run(p, next)
	stop()
	ledger.comeBack()
	require.Contains(t, w.waitsForCode(p, next, domain.GranterUnknown),
		"blocked: no handler that runs has the ledger coffee")
	require.Eventually(t, func() bool { return strings.Contains(w.ready(p), "granter_unknown") }, time.Minute,
		20*time.Millisecond)
	w.start(t.Context(), quickLooks, daemon.RoleHandler)
	require.Equal(t, 500, w.completed(p, next.ID).Summary.Success)
	require.Len(t, other.granted(), 1000)
}

// served waits until a handler has said that it has the ledger.
func (w *world) served(granter string) {
	w.Helper()
	require.Eventually(w, func() bool {
		return w.count(`SELECT count(*) FROM processes, jsonb_array_elements(reports) r WHERE r->'granters' ? $1`,
			granter) > 0
	}, time.Minute, 20*time.Millisecond)
}

// D6: a ledger that does not show its time by GET /identity shows it by the Date of each answer.
func TestLedgersClockByDate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var off, grantsOff atomic.Int64
	other := &otherLedger{}
	ledger := w.serveAt(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		shift := off.Load()
		if strings.HasSuffix(r.URL.Path, "/grants") {
			shift += grantsOff.Load()
		}
		rw.Header().Set("Date", time.Now().Add(time.Duration(shift)).UTC().Format(http.TimeFormat))
		other.ServeHTTP(rw, r)
	}))
	w.granter("coffee", ledger, "COFFEE", domain.Points)
	off.Store(int64(-4 * time.Second))
	p, stop := w.start(t.Context(), quickLooks, daemon.AllRoles...)
	w.served("coffee")
	e := w.event(p, "COFFEE", 100)
	w.run(p, e)
	require.Contains(t, w.waitsFor(p, e), "behind the database's")
	require.Empty(t, other.granted())
	off.Store(0)
	w.completed(p, e.ID)
	require.Len(t, other.granted(), 100)
	stop()

	with := quickLooks
	with.Probe = time.Minute // so that no look comes between
	p, _ = w.start(t.Context(), with, daemon.RoleHandler)
	grant := func(member string) error {
		_, err := p.Granter.Grant(t.Context(), e, time.Now().Add(time.Minute),
			[]domain.Grant{{MemberID: member, Amount: 1}})
		return err
	}
	require.NoError(t, grant("in time"))
	grantsOff.Store(int64(4 * time.Second))
	require.NoError(t, grant("its answer shows the clock"))
	require.ErrorContains(t, p.Granter.Away(e), "ahead of the database's")
	require.ErrorIs(t, grant("late"), grants.ErrNotApplied)
	require.Len(t, other.granted(), 102)
}

// Four routes are enough to stand in the place of our ledger. The keys name the installation, for ever: with an
// identity that it gets later the ledger would be asked for keys that it does not know.
func TestFourRoutesInThePlaceOfOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := &otherLedger{}
	w.asks(w.serveAt(other))
	p, _ := w.start(t.Context(), quickLooks, campaignRoles...)
	points, vouchers := w.event(p, "POINT", 300), w.event(p, "VOUCHER", 300)
	w.run(p, points)
	w.run(p, vouchers)
	require.Equal(t, 300, w.completed(p, points.ID).Summary.Success)
	require.Equal(t, 300, w.completed(p, vouchers.ID).Summary.Success)
	require.NotNil(t, other.made(fmt.Sprintf("%s:grant:%d:m0000007", w.installation(), points.ID)))

	other.change(func() {
		other.identity = map[string]any{
			"ledger_id":    "theirs",
			"capabilities": []string{"points", "vouchers", "repeats_secrets"},
		}
	})
	require.Eventually(t, func() bool { return p.Granter.Away(points) != nil }, time.Minute, 20*time.Millisecond)
	require.ErrorContains(t, p.Granter.Away(points), "grants went to (no identity) until now")
}

// made is the grant that the ledger made for a key, nil for none.
func (l *otherLedger) made(key string) map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.grants[key]
}
