package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bestow/cmd/bestow/daemon"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// described returns the names of all metrics of a process with every role, with their labels.
func described(w *world) map[string][]string {
	w.Helper()
	w.cfg.MoneyToken = moneyToken
	w.cfg.MoneyAddr = "127.0.0.1:0"
	p := w.process(w.Context(), daemon.Overrides{}, daemon.AllRoles...)
	defer p.Close()
	described := regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{(.*?)\}`)
	names := map[string][]string{}
	for _, c := range p.Ops().Metrics {
		descs := make(chan *prometheus.Desc, 100)
		c.Describe(descs)
		close(descs)
		for d := range descs {
			found := described.FindStringSubmatch(d.String())
			require.NotNil(w, found, d)
			names[found[1]] = strings.FieldsFunc(found[2], func(r rune) bool { return r == ',' })
		}
	}
	return names
}

// docs/operations.md lists every metric and no other. Alerts and dashboard ask for metrics that are there, and each alert
// names a part of the page.
func TestMetricsAreListed(t *testing.T) {
	t.Parallel()
	names := described(newWorld(t))
	read := func(path string) string {
		text, err := os.ReadFile("../../" + path)
		require.NoError(t, err)
		return string(text)
	}
	page := read("docs/operations.md")
	_, table, found := strings.Cut(page, "\n## Metrics\n")
	require.True(t, found)
	listed := map[string]bool{}
	for _, line := range strings.Split(table, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.Contains(cells[1], "`bestow_") {
			continue
		}
		for _, name := range regexp.MustCompile("`(bestow_\\w+)`").FindAllStringSubmatch(cells[1], -1) {
			require.Contains(t, names, name[1], "the page lists a metric that is gone")
			listed[name[1]] = true
			for _, label := range names[name[1]] {
				require.Contains(t, cells[2], label, "label of %s", name[1])
			}
		}
	}
	for name := range names {
		require.True(t, listed[name], "%s is not on the page", name)
	}

	rules, dashboard := read("deploy/prometheus/bestow.rules.yml"), read("deploy/grafana/bestow.json")
	for _, asked := range regexp.MustCompile(`bestow_\w+`).FindAllString(rules+dashboard, -1) {
		for _, of := range []string{"_bucket", "_count", "_sum"} { // of a histogram
			asked = strings.TrimSuffix(asked, of)
		}
		require.Contains(t, names, asked, "an alert or the dashboard asks for it")
	}
	var parts []string
	for _, heading := range regexp.MustCompile(`(?m)^###? (.+)$`).FindAllStringSubmatch(page, -1) {
		parts = append(parts, strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-"))
	}
	alerts := regexp.MustCompile(`runbook: docs/operations\.md#([\w-]+)`).FindAllStringSubmatch(rules, -1)
	require.Len(t, alerts, strings.Count(rules, "- alert: "))
	for _, a := range alerts {
		require.True(t, slices.Contains(parts, a[1]), "docs/operations.md has no part %s", a[1])
	}
}
