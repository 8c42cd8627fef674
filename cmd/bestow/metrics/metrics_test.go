package metrics

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"bestow/app/gauges"
	"bestow/app/grants"
	"bestow/domain"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// gathered returns the values of a collector's metrics, by name and labels.
func gathered(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(c))
	families, err := registry.Gather()
	require.NoError(t, err)
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			values[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return values
}

// Of a type only the running events have something left to do, and all of its events count for what is done.
func TestStateSumsUp(t *testing.T) {
	t.Parallel()
	s := &state{id: "p2", read: func(context.Context) (gauges.State, error) {
		return gauges.State{
			Events: []gauges.Events{
				{Type: "POINT", Status: "RUNNING", Count: 2, Targets: 1000, Published: 700, Granted: 500, GivenUp: 20},
				{Type: "POINT", Status: "COMPLETED", Count: 5, Targets: 90, Published: 90, Granted: 80, GivenUp: 10},
			},
			Waiting: []gauges.Waiting{{Type: "POINT", Status: "FAILED", Count: 30}, {Type: "POINT", Status: "PENDING", Count: 4}},
			Leader:  "p1",
		}, nil
	}}
	got := gathered(t, s)
	for name, want := range map[string]float64{
		"events POINT RUNNING": 2, "targets POINT COMPLETED": 90, "published_targets_total POINT": 790,
		"granted_targets_total POINT": 580, "given_up_targets POINT": 30, "running_unpublished_targets POINT": 300,
		"running_unsettled_targets POINT": 180, "running_refused_targets POINT": 30, "running_unknown_targets POINT": 4,
		"leader": 1, "process_leads": 0, "state_up": 1,
	} {
		require.Contains(t, got, "bestow_"+name)
		require.InDelta(t, want, got["bestow_"+name], 0, name)
	}
}

// A database that does not answer is no installation without events. Many who ask cost one look.
func TestStateIsReadOnce(t *testing.T) {
	t.Parallel()
	reads, fails := 0, true
	s := &state{read: func(context.Context) (gauges.State, error) {
		reads++
		if fails {
			return gauges.State{}, errors.New("away")
		}
		return gauges.State{}, nil
	}}
	require.Equal(t, map[string]float64{"bestow_state_up": 0}, gathered(t, s))
	fails = false
	require.InDelta(t, 1, gathered(t, s)["bestow_state_up"], 0)
	gathered(t, s)
	require.Equal(t, 2, reads)
}

// ledger answers as it is told to.
type ledger struct {
	grants.Granter

	outcomes []domain.Outcome
	err      error
}

func (l ledger) Grant(context.Context, domain.Event, time.Time, []domain.Grant) ([]domain.Outcome, error) {
	return l.outcomes, l.err
}

// Answers are counted by what they say, also those before an error, and no ledger can make labels without end.
func TestGrantsAreCounted(t *testing.T) {
	t.Parallel()
	g := newGrants()
	ask := func(l ledger) error {
		_, err := g.Count(l).Grant(t.Context(), domain.Event{Type: domain.EventType{Code: "POINT", Granter: "money"}}, time.Now(), nil)
		return err
	}
	granted := domain.Outcome{Verdict: domain.Granted}
	refused := domain.Outcome{Verdict: domain.RefusedForNow, Code: "limit"}
	require.NoError(t, ask(ledger{outcomes: []domain.Outcome{granted, refused, granted}}))
	cut := errors.New("cut off")
	require.ErrorIs(t, ask(ledger{outcomes: []domain.Outcome{granted}, err: cut}), cut)
	require.ErrorIs(t, ask(ledger{err: grants.ErrNotApplied}), grants.ErrNotApplied)
	require.InDelta(t, 3, testutil.ToFloat64(g.answers.WithLabelValues("POINT", "granted", "")), 0)
	require.InDelta(t, 1, testutil.ToFloat64(g.answers.WithLabelValues("POINT", "refused_for_now", "limit")), 0)
	require.Equal(t, 3, testutil.CollectAndCount(g.took), "answered, unknown, not_applied")

	var many []domain.Outcome
	for i := range 2 * mostCodes {
		many = append(many, domain.Outcome{Verdict: domain.RefusedForGood, Code: fmt.Sprint("code", i)})
	}
	require.NoError(t, ask(ledger{outcomes: many}))
	require.LessOrEqual(t, testutil.CollectAndCount(g.answers), mostCodes+3)
	require.InDelta(t, mostCodes+1, testutil.ToFloat64(g.answers.WithLabelValues("POINT", "refused_for_good", "other")), 0)
}

// What a client sends makes no labels without end either.
func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	r := newRequests()
	r.Answered("GET", "/api/v1/events/:id", 200, time.Second)
	r.Answered("BREW", "", 405, time.Second)
	r.Answered("BREW2", "", 405, time.Second)
	require.Equal(t, 2, testutil.CollectAndCount(r.took))
}
