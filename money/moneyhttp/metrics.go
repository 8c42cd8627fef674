package moneyhttp

import (
	"strconv"
	"time"

	"bestow/money"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics holds what the service counts.
type metrics struct {
	requests *prometheus.HistogramVec
	items    *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bestow_money_request_seconds", Help: "How long requests to the ledger took, by route and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "status"}),
		items: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bestow_money_items_total", Help: "What came of the items of grants, by kind and outcome.",
		}, []string{"kind", "outcome"}),
	}
}

func (m *metrics) all() []prometheus.Collector { return []prometheus.Collector{m.requests, m.items} }

// answered counts a request; one that met no route has an empty route.
func (m *metrics) answered(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

// granted counts the answers of a request.
func (m *metrics) granted(kind string, all []money.Answer) {
	counts := map[money.Outcome]int{}
	for n := range all {
		counts[all[n].Outcome]++
	}
	for outcome, n := range counts {
		m.items.WithLabelValues(kind, string(outcome)).Add(float64(n))
	}
}
