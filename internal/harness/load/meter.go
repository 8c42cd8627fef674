package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bestow/internal/harness/testbed"
)

// shown is how many failed requests are told in full.
const shown = 5

// meter keeps what came of the requests. It is safe for use by many goroutines.
type meter struct {
	mu       sync.Mutex
	answered map[string][]time.Duration // by the request, of successes
	errs     []string
	started  []int64
}

func newMeter() *meter { return &meter{answered: map[string][]time.Duration{}} }

func (m *meter) took(step string, d time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.errs = append(m.errs, step+": "+err.Error())
		return
	}
	m.answered[step] = append(m.answered[step], d)
}

// began keeps an event that was started.
func (m *meter) began(event int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.started = append(m.started, event)
}

// events returns the events that were started.
func (m *meter) events() []int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.started)
}

// failed is an error if a request was no success.
func (m *meter) failed() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.errs) == 0 {
		return nil
	}
	return fmt.Errorf("%d requests failed: %s", len(m.errs), strings.Join(m.errs[:min(shown, len(m.errs))], "; "))
}

// print shows the requests a second and the percentiles, by the request.
func (m *meter) print(out io.Writer, lasted time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	testbed.Say(out, "%-26s %9s %9s %9s %9s %9s %9s\n",
		"request", "answered", "a second", "p50 ms", "p90 ms", "p99 ms", "max ms")
	total := 0
	for _, step := range []string{create, fill, start} {
		list := m.answered[step]
		total += len(list)
		testbed.Say(out, "%-26s %9d %9s", step, len(list), rate(len(list), lasted))
		for _, p := range []float64{50, 90, 99, 100} {
			testbed.Say(out, " %9.1f", float64(testbed.Percentile(list, p).Microseconds())/1000)
		}
		testbed.Say(out, "\n")
	}
	testbed.Say(out, "%-26s %9d %9s\n\nfailed requests: %d\n", "all", total, rate(total, lasted), len(m.errs))
}

func rate(n int, lasted time.Duration) string {
	return strconv.FormatFloat(float64(n)/lasted.Seconds(), 'f', 1, 64)
}

// texts are the events as the ledger's references.
func texts(events []int64) []string {
	refs := make([]string, len(events))
	for i, e := range events {
		refs[i] = strconv.FormatInt(e, 10)
	}
	return refs
}
