package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Requests counts the requests of the API and of the console, by route.
type Requests struct{ took *prometheus.HistogramVec }

func newRequests() *Requests {
	return &Requests{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "bestow_request_seconds", Help: "How long requests took, by method, route and status; streams are left out.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
	}, []string{"method", "route", "status"})}
}

// methods bounds the label of what a client may send.
var methods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "OPTIONS": true}

// Answered counts a request; one that met no route has an empty route.
func (r *Requests) Answered(method, route string, status int, took time.Duration) {
	if !methods[method] {
		method = "other"
	}
	r.took.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Repairs counts what the timetable found that should not have been, and put right.
type Repairs struct{ found *prometheus.CounterVec }

func newRepairs() *Repairs {
	return &Repairs{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "bestow_repairs_total",
		Help: "What jobs of the timetable found and put right: chunks without a job (sweep), chunks that Kafka lost " +
			"(reconcile), verifications whose process is gone (rescue).",
	}, []string{"job"})}
}

// Found counts what a job of the timetable has put right.
func (r *Repairs) Found(job string, n int) { r.found.WithLabelValues(job).Add(float64(n)) }
