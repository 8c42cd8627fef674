package daemon

import (
	"bestow/outbox"

	"github.com/prometheus/client_golang/prometheus"
)

// skippedMetric tells how many messages of other installations the handlers have passed over.
type skippedMetric struct{ router *outbox.Router }

var skippedDesc = prometheus.NewDesc("bestow_skipped_messages_total",
	"Messages of another installation that this process has passed over.", []string{"topic", "installation"}, nil)

// Describe is prometheus.Collector's.
func (skippedMetric) Describe(to chan<- *prometheus.Desc) { to <- skippedDesc }

// Collect is prometheus.Collector's.
func (m skippedMetric) Collect(to chan<- prometheus.Metric) {
	for _, s := range m.router.Skipped() {
		to <- prometheus.MustNewConstMetric(skippedDesc, prometheus.CounterValue, float64(s.Messages), s.Topic,
			s.Installation)
	}
}
