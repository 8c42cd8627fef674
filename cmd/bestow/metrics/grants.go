package metrics

import (
	"context"
	"errors"
	"sync"
	"time"

	"bestow/app/grants"
	"bestow/domain"

	"github.com/prometheus/client_golang/prometheus"
)

// Grants counts what ledgers answer.
type Grants struct {
	took    *prometheus.HistogramVec
	answers *prometheus.CounterVec

	mu    sync.Mutex
	codes map[string]bool // the error codes that are labels
}

func newGrants() *Grants {
	return &Grants{
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bestow_grant_seconds",
			Help: "How long a ledger took for a batch of grants, by ledger and result: answered; not_applied, where the " +
				"rest of the batch was certainly not applied; unknown.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"ledger", "result"}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bestow_grant_answers_total",
			Help: "Answers of ledgers to single grants, by event type, verdict and error code. An answer that was given again " +
				"counts again.",
		}, []string{"event_type", "verdict", "error_code"}),
		codes: map[string]bool{},
	}
}

// mostCodes bounds the error codes that are labels: a ledger of another team may invent them.
const mostCodes = 50

// label returns the code, or "other" where there are too many.
func (g *Grants) label(code string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if code == "" || g.codes[code] {
		return code
	}
	if len(g.codes) >= mostCodes {
		return "other"
	}
	g.codes[code] = true
	return code
}

var verdicts = map[domain.Verdict]string{
	domain.Unknown: "unknown", domain.Granted: "granted", domain.RefusedForNow: "refused_for_now",
	domain.RefusedForGood: "refused_for_good", domain.Contradicted: "contradicted",
}

// Count returns to, with what it answers counted.
func (g *Grants) Count(to grants.Granter) grants.Granter { return counted{to, g} }

// counted is a Granter whose answers are counted.
type counted struct {
	grants.Granter

	by *Grants
}

// Grant implements grants.Granter.
func (c counted) Grant(ctx context.Context, e domain.Event, deadline time.Time, batch []domain.Grant,
) ([]domain.Outcome, error) {
	began := time.Now()
	outcomes, err := c.Granter.Grant(ctx, e, deadline, batch)
	result := "answered"
	switch {
	case errors.Is(err, grants.ErrNotApplied):
		result = "not_applied"
	case err != nil:
		result = "unknown"
	}
	c.by.took.WithLabelValues(e.Type.Granter, result).Observe(time.Since(began).Seconds())
	type key struct{ verdict, code string }
	counts := map[key]int{}
	for i := range outcomes {
		counts[key{verdicts[outcomes[i].Verdict], outcomes[i].Code}]++
	}
	for k, n := range counts {
		c.by.answers.WithLabelValues(e.Type.Code, k.verdict, c.by.label(k.code)).Add(float64(n))
	}
	return outcomes, err
}
