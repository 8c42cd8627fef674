package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// spared are the processes that no fault of a soak hits: what grows with time grows in them.
var spared = []string{"api", "relay-1", "handler-1", "jobs-1"}

// gauge holds what may grow, at a moment of a soak.
type gauge struct {
	at     time.Duration
	values []float64
}

// gauges are the names of the values, with how much each may be above what it was, beside a tenth of it.
var gauges = []struct {
	name  string
	slack float64
}{
	{"connections", 20},
	{"dead rows in 1,000", 150},
	{"open jobs", 300},
	{"MiB in api", 24},
	{"MiB in relay-1", 24},
	{"MiB in handler-1", 24},
	{"MiB in jobs-1", 24},
	{"goroutines in api", 60},
	{"goroutines in relay-1", 60},
	{"goroutines in handler-1", 60},
	{"goroutines in jobs-1", 60},
}

// measure looks at what may grow.
func (w *world) measure(ctx context.Context, at time.Duration) (gauge, error) {
	var connections, dead, jobs float64
	const query = `SELECT (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bestow'),
		(SELECT coalesce(sum(n_dead_tup), 0) / 1000.0 FROM pg_stat_user_tables),
		(SELECT count(*) FROM river.river_job WHERE state NOT IN ('completed', 'cancelled'))`
	if err := w.ask(ctx, query, nil, &connections, &dead, &jobs); err != nil {
		return gauge{}, err
	}
	var memory, goroutines []float64
	for _, name := range spared {
		seen, err := w.scrape(ctx, name)
		if err != nil {
			return gauge{}, err
		}
		memory = append(memory, seen["process_resident_memory_bytes"]/(1<<20))
		goroutines = append(goroutines, seen["go_goroutines"])
	}
	return gauge{at, slices.Concat([]float64{connections, dead, jobs}, memory, goroutines)}, nil
}

// scrape reads the metrics of a process that have no labels.
func (w *world) scrape(ctx context.Context, name string) (_ map[string]float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.Service(name).Ops+"/metrics", nil)
	if err != nil {
		return nil, fmt.Errorf("read the metrics of %s: %w", name, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("read the metrics of %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	seen := map[string]float64{}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), " ")
		if number, err := strconv.ParseFloat(value, 64); err == nil {
			seen[key] = number
		}
	}
	return seen, lines.Err()
}

// steady compares the last third of a soak with the second: what grew between them grows for ever. The first third is
// when everything gets warm.
func steady(log *timeline, list []gauge) error {
	third := len(list) / 3
	if third == 0 {
		return nil
	}
	var errs []error
	for n, g := range gauges {
		before, after := medianOf(list[third:2*third], n), medianOf(list[2*third:], n)
		log.say("%-26s median of each third: %8.1f %8.1f %8.1f", g.name, medianOf(list[:third], n), before, after)
		if after > before*1.1+g.slack {
			errs = append(errs, fmt.Errorf("%s grew from %.1f to %.1f", g.name, before, after))
		}
	}
	return errors.Join(errs...)
}

func medianOf(list []gauge, n int) float64 {
	var values []float64
	for _, g := range list {
		values = append(values, g.values[n])
	}
	slices.Sort(values)
	return values[len(values)/2]
}
