package http

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/pprof"
	"slices"
	"sync"
	"time"

	"bestow/app/reports"
	"bestow/http/api"
	"bestow/internal/obs"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Checks are the things that a process needs, by name: a function returns nil when its thing is there. Each is given
// two seconds.
type Checks map[string]func(context.Context) error

// OpsConfig says what the private listener reports.
type OpsConfig struct {
	Live  Checks // a process that fails one of them should be started again
	Ready Checks // a process that fails one of them should get no requests
	Waits Checks // conditions that only background work waits for: /readyz reports them, and they are no fault
	// Still returns the causes for which events stand still, in all processes. /readyz reports them, and they are no
	// fault of this process. It may be nil.
	Still   func() []reports.Standing
	Metrics []prometheus.Collector // beside those of Go and of the process
	Log     *slog.Logger           // nil: nothing is logged
}

// checkTimeout bounds one check.
const checkTimeout = 2 * time.Second

// NewOps returns the handler for BESTOW_OPS_ADDR: /livez, /readyz, /metrics and /debug/pprof. It needs no key, so it
// belongs on a private port. It reports only the name of a failed check; the log has the rest.
func NewOps(c OpsConfig) http.Handler {
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(c.Metrics...)
	mux := http.NewServeMux()
	told := &toldChecks{log: c.Log, failing: map[string]bool{}}
	mux.Handle("GET /livez", c.Live.handler(nil, nil, told))
	mux.Handle("GET /readyz", c.Ready.handler(c.Waits, c.Still, told))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// health is the answer to /livez and /readyz.
type health struct {
	OK     bool     `json:"ok"`
	Failed []string `json:"failed,omitempty"`
	Waits  []string `json:"waits_for,omitempty"`
	// Still lists the causes for which events stand still, in all processes.
	Still []api.Reason `json:"waiting_for,omitempty"`
}

// handler runs all checks at once. It answers 200, or 503 with the names of those that failed. It only names the failed
// waits.
func (c Checks) handler(waits Checks, still func() []reports.Standing, told *toldChecks) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := health{Failed: c.failed(r.Context(), told), Waits: waits.failed(r.Context(), told)}
		answer.OK = len(answer.Failed) == 0
		if still != nil {
			answer.Still = wireStanding(still())
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !answer.OK {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.MarshalWrite(w, answer) // the client is gone
	})
}

func wireStanding(all []reports.Standing) (reasons []api.Reason) {
	for _, s := range all {
		reasons = append(reasons, api.Reason(s.Reason))
	}
	return reasons
}

func (c Checks) failed(ctx context.Context, told *toldChecks) []string {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	names := slices.Sorted(maps.Keys(c))
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { errs[i] = c[name](ctx) })
	}
	wg.Wait()
	var failed []string
	for i, err := range errs {
		told.tell(ctx, names[i], err)
		if err != nil {
			failed = append(failed, names[i])
		}
	}
	return failed
}

// toldChecks tells the log of a check once when it stops passing, and once when it passes again.
type toldChecks struct {
	log     *slog.Logger
	mu      sync.Mutex
	failing map[string]bool
}

func (t *toldChecks) tell(ctx context.Context, check string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch failing := t.failing[check]; {
	case err != nil && !failing:
		t.log.WarnContext(ctx, "health check does not pass", "check", check, obs.Err, err)
	case err == nil && failing:
		t.log.InfoContext(ctx, "health check passes again", "check", check)
	}
	t.failing[check] = err != nil
}
