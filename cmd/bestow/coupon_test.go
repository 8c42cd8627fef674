package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bestow/app/types"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/domain"
	"bestow/internal/proc"
	"bestow/money/conformance/exampleledger"

	"github.com/stretchr/testify/require"
)

// couponAddress is where this program serves a coupon ledger instead of running tests.
const couponAddress = "BESTOW_TEST_COUPON_ADDRESS"

// serveCoupons serves the example ledger of the conformance tests, with all the trouble that another company may make.
func serveCoupons(address string) error {
	server := http.Server{
		Addr: address, ReadHeaderTimeout: time.Minute,
		Handler: &couponLedger{Ledger: &exampleledger.Ledger{Token: moneyToken}, asked: map[string]bool{}},
	}
	return server.ListenAndServe()
}

// couponLedger hangs up after every fifth call of grants, when it has applied it. It refuses members that end with 9 for
// good, and those that end with 8 when it is asked for them first. GET /granted says how many grants it made.
type couponLedger struct {
	*exampleledger.Ledger

	mu      sync.Mutex
	calls   int
	asked   map[string]bool
	granted int
}

func (l *couponLedger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.URL.Path == "/granted" {
		_, _ = fmt.Fprint(w, l.granted)
		return
	}
	if !strings.HasSuffix(r.URL.Path, "/grants") {
		l.Ledger.ServeHTTP(w, r)
		return
	}
	var asked map[string]any
	_ = json.NewDecoder(r.Body).Decode(&asked)
	items, _ := asked["items"].([]any)
	refused := map[int]map[string]any{}
	var others []any
	for i, item := range items {
		fields, _ := item.(map[string]any)
		member, _ := fields["member_id"].(string)
		again := l.asked[member]
		l.asked[member] = true
		if strings.HasSuffix(member, "9") || strings.HasSuffix(member, "8") && !again {
			refused[i] = map[string]any{
				"idempotency_key": fields["idempotency_key"], "outcome": "refused", "error_code": "no_coupon",
				"retryable": strings.HasSuffix(member, "8"),
			}
			continue
		}
		others = append(others, item)
	}
	answers := l.apply(r, asked, others)
	var all []any
	for i := range items {
		if refused[i] != nil {
			all = append(all, refused[i])
			continue
		}
		all, answers = append(all, answers[0]), answers[1:]
	}
	if l.calls++; l.calls%5 == 0 {
		panic(http.ErrAbortHandler) //nolint:forbidigo // cuts the connection
	}
	answer(w, map[string]any{"items": all}, nil)
}

// apply lets the example ledger grant the items, and returns what it says of each.
func (l *couponLedger) apply(r *http.Request, asked map[string]any, items []any) (answers []any) {
	if len(items) == 0 {
		return nil
	}
	asked = maps.Clone(asked)
	asked["items"] = items
	body, _ := json.Marshal(asked)
	inner := r.Clone(r.Context())
	inner.Body = io.NopCloser(bytes.NewReader(body))
	said := httptest.NewRecorder()
	l.Ledger.ServeHTTP(said, inner)
	if said.Code != http.StatusOK {
		panic(http.ErrAbortHandler) //nolint:forbidigo // the caller asks again
	}
	var got struct {
		Items []any `json:"items"`
	}
	_ = json.Unmarshal(said.Body.Bytes(), &got)
	for _, i := range got.Items {
		if fields, _ := i.(map[string]any); fields["outcome"] == "granted" {
			l.granted++
		}
	}
	return got.Items
}

// Two handlers run, and COUPON is added, of a ledger that is a process of another company: points are granted while that
// is down; when it has come, it hangs up after it applied, refuses and repeats, and every member is exact. verify asks
// it key by key.
func TestATypeIsAddedWhileProcessesRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address, err := proc.FreeAddress(t.Context())
	require.NoError(t, err)
	w.cfg.Others = append(w.cfg.Others, settings.LedgerAddress{
		Name: "coupon", Setting: "BESTOW_GRANTERS: coupon", URL: "http://" + address, Token: moneyToken,
		Limits: settings.LedgerLimits{MaxItems: 40},
	})
	p, _ := w.start(t.Context(), quickLooks, daemon.AllRoles...)
	second, _ := w.start(t.Context(), quickLooks, daemon.RoleHandler)
	w.served("coupon")
	_, err = p.App.Types.Create(t.Context(), operator, types.NewType{
		Code: "COUPON", Label: "Coupons", Granter: "coupon", Operation: domain.Vouchers,
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return w.count(`SELECT count(*) FROM event_types WHERE code = 'COUPON' AND state = 'READY'`) == 1
	}, time.Minute, 20*time.Millisecond)

	coupons, points := w.event(p, "COUPON", 1_000), w.event(p, "POINT", 1_000)
	w.run(p, coupons)
	w.run(p, points)
	require.Equal(t, 1_000, w.completed(p, points.ID).Summary.Success)
	require.Equal(t, domain.Running, w.get(p, coupons.ID).Status)
	for _, handler := range []*daemon.Process{p, second} {
		require.Eventually(t, func() bool { return handler.Router.Assigned(coupons.Type) > 0 }, time.Minute,
			20*time.Millisecond, "both handlers consume the new topics")
	}

	ledger := proc.Program{
		Name: "coupons", Args: []string{os.Args[0]}, Log: filepath.Join(t.TempDir(), "coupons.log"),
		Env: []string{couponAddress + "=" + address},
	}
	child, err := ledger.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { child.Kill() })
	done := w.completed(p, coupons.ID)
	require.Equal(t, []int{900, 100}, []int{done.Summary.Success, done.Summary.Fail})
	require.Positive(t, done.Summary.RetrySuccess) // some refusals were not heard
	require.Equal(t, 900, w.count(`SELECT count(DISTINCT (money_tx_id, voucher_code)) FROM coupon_results WHERE status = 'SUCCESS'`))
	require.Equal(t, 100, w.count(`SELECT count(*) FROM coupon_results WHERE status = 'PERMANENTLY_FAILED' AND member_id LIKE '%9'`))
	reply, err := http.Get("http://" + address + "/granted")
	require.NoError(t, err)
	defer func() { _ = reply.Body.Close() }()
	granted, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	require.Equal(t, "900", string(granted), "each is granted once")
	w.verified(p)
}
