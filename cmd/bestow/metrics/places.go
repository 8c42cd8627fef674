package metrics

import (
	"bestow/outbox"

	"github.com/prometheus/client_golang/prometheus"
)

// skippedMetric tells how many messages of other installations the handlers have passed over.
type skippedMetric struct{ router *outbox.Router }

var skippedDesc = describe("skipped_messages_total",
	"Messages of another installation that this process has passed over.", "topic", "installation")

// Describe is prometheus.Collector's.
func (skippedMetric) Describe(to chan<- *prometheus.Desc) { to <- skippedDesc }

// Collect is prometheus.Collector's.
func (m skippedMetric) Collect(to chan<- prometheus.Metric) {
	for _, s := range m.router.Skipped() {
		counter(to, skippedDesc, float64(s.Messages), s.Topic, s.Installation)
	}
}

// Places are where lists are worked, of which there are only so many.
type Places interface {
	// Places returns how many are at work, and how many wait.
	Places() (atWork, waiting int)
}

// placesMetric tells how many lists are imported and exported in this process, and how many wait for their turn.
type placesMetric map[string]Places

var placesDesc = describe("lists",
	"Lists that this process imports and exports, at work and waiting for their turn.", "kind", "state")

// Describe is prometheus.Collector's.
func (placesMetric) Describe(to chan<- *prometheus.Desc) { to <- placesDesc }

// Collect is prometheus.Collector's.
func (m placesMetric) Collect(to chan<- prometheus.Metric) {
	for kind, places := range m {
		atWork, waiting := places.Places()
		gauge(to, placesDesc, float64(atWork), kind, "at_work")
		gauge(to, placesDesc, float64(waiting), kind, "waiting")
	}
}
