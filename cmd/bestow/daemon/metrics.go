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

// placesMetric tells how many lists are imported and exported in this process, and how many wait for their turn.
type placesMetric map[string]interface {
	// Places returns how many are at work, and how many wait.
	Places() (atWork, waiting int)
}

var placesDesc = prometheus.NewDesc("bestow_lists",
	"Lists that this process imports and exports, at work and waiting for their turn.", []string{"kind", "state"}, nil)

// Describe is prometheus.Collector's.
func (placesMetric) Describe(to chan<- *prometheus.Desc) { to <- placesDesc }

// Collect is prometheus.Collector's.
func (m placesMetric) Collect(to chan<- prometheus.Metric) {
	for kind, places := range m {
		atWork, waiting := places.Places()
		to <- prometheus.MustNewConstMetric(placesDesc, prometheus.GaugeValue, float64(atWork), kind, "at_work")
		to <- prometheus.MustNewConstMetric(placesDesc, prometheus.GaugeValue, float64(waiting), kind, "waiting")
	}
}
