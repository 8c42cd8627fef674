package metrics

import (
	"context"
	"time"

	"bestow/app/gauges"
	"bestow/app/reports"
	"bestow/outbox"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// Config says what the metrics are of. What is nil is not told.
type Config struct {
	Version, Revision, Go string
	Roles                 []string
	ID                    string // the id of the process's River client

	Pool    *pgxpool.Pool
	Offset  func(context.Context) (time.Duration, error)          // by which the clock is ahead of the database's
	Kafka   func(context.Context) error                           // nil where Kafka answers
	Ledgers map[string]func() error                               // nil where the ledger may be asked
	Still   func() []reports.Standing                             // what events stand still for
	State   func(context.Context) (s gauges.State, err error)     // how the installation stands
	Expiry  func(context.Context) (behind time.Duration, _ error) // of the ledger of this database
	Router  *outbox.Router
	Lists   map[string]Places
}

// Metrics are all metrics of a process: those that are read when Prometheus asks, and those that are counted.
type Metrics struct {
	Requests *Requests
	Grants   *Grants
	Repairs  *Repairs
}

// New returns the metrics of a process. Its counters begin at once.
func New() *Metrics {
	return &Metrics{Requests: newRequests(), Grants: newGrants(), Repairs: newRepairs()}
}

// All returns what to register, of a process as of says it.
func (m *Metrics) All(of Config) []prometheus.Collector {
	all := []prometheus.Collector{m.Requests.took, m.Grants.took, m.Grants.answers, m.Repairs.found, process{of}}
	if of.Pool != nil {
		all = append(all, pool{of.Pool})
	}
	if of.State != nil {
		all = append(all, &state{read: of.State, id: of.ID})
	}
	if of.Expiry != nil {
		all = append(all, expiry{of.Expiry})
	}
	if of.Router != nil {
		all = append(all, skippedMetric{of.Router})
	}
	if len(of.Lists) > 0 {
		all = append(all, placesMetric(of.Lists))
	}
	return all
}

// gauge and counter write a metric's value; the labels stand in the order of desc's.
func gauge(to chan<- prometheus.Metric, desc *prometheus.Desc, value float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func counter(to chan<- prometheus.Metric, desc *prometheus.Desc, value float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, labels...)
}

// describe names a metric that is read when Prometheus asks.
func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("bestow_"+name, help, labels, nil)
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// look bounds what a scrape waits for the database or for Kafka.
const look = 2 * time.Second
