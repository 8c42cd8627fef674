package bench

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// The ratio is that of a round's sums, and the median of the rounds; it survives JSON.
func TestReport(t *testing.T) {
	t.Parallel()
	r := Report{Members: 1000}
	for round, pipeline := range []time.Duration{12, 11, 30} {
		for _, kind := range order {
			run := Run{
				Row: RowRounds, Kind: kind, Round: round + 1, Targets: 1000, Import: 2 * time.Second,
				Grant: 8 * time.Second, Exact: true,
			}
			if kind == Pipeline {
				run.Grant = (pipeline - 2) * time.Second
			}
			r.Runs = append(r.Runs, run)
		}
	}
	r.Medians = r.Sum()
	require.InDelta(t, 1.2, r.Medians.Ratio, 1e-9)
	require.InDelta(t, 1.0, r.Medians.Import, 1e-9)
	require.Equal(t, 12*time.Second, r.Medians.Pipeline.Total())
	require.NoError(t, r.exact())
	body, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(body), `"import_ns":2000000000`)
	r.Runs[5].Exact = false
	require.ErrorIs(t, r.exact(), ErrNotExact)
}

// Every member stands in the list once, and every second one is known.
func TestMembers(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i := range 100_000 {
		seen[memberAt(i)] = true
	}
	require.Len(t, seen, 100_000)
	require.Len(t, known(100_001), 50_001)
	require.True(t, seen[known(100_000)[0]])
}

// comparedReport has the rounds at 50,000/s and other rows at known shares of it.
func comparedReport() Report {
	began := time.Date(2026, 11, 21, 17, 0, 0, 0, time.UTC)
	r := Report{
		Began: began, Members: 100_000, Commit: "0123abcd", Kafka: "an embedded Kafka",
		Machine: Machine{Cores: 2, Memory: 1 << 34, CPU: "A <CPU> & Co", Go: "go1.26"},
	}
	r.Server = Server{Version: "15.18 (Debian)", Commit: 200 * time.Microsecond}
	add := func(row, kind string, targets int, took time.Duration) {
		r.Runs = append(r.Runs, Run{Row: row, Kind: kind, Round: 1, Targets: targets, Grant: took, Exact: true})
	}
	for _, kind := range order {
		add(RowRounds, kind, 100_000, 2*time.Second)
	}
	add(RowRivals, Outbox, 2000, 2*time.Second)
	add(RowRivals, Jobs, 2000, time.Second)
	add(RowAgain, Redelivery, 100_000, time.Second)
	add(RowFive, Floor, 500_000, 10*time.Second)
	add(RowFive, Pipeline, 500_000, 11*time.Second)
	return r
}

// A rival's factor is in targets a second; a larger event is compared by the cost of a target, and with its own floor.
func TestCompare(t *testing.T) {
	t.Parallel()
	r := comparedReport()
	require.InDelta(t, 1, r.Sum().Ratio, 1e-9, "other rows are no rounds")
	list := r.Compare()
	require.Len(t, list, 4)
	require.InDelta(t, 50, list[0].Factor, 1e-9)
	require.InDelta(t, 25, list[1].Factor, 1e-9)
	require.InDelta(t, 1.1, list[3].Factor, 1e-9)
	require.InDelta(t, 1.1, list[3].Ratio, 1e-9)
	var b strings.Builder
	require.NoError(t, r.Write(&b))
	for _, line := range []string{
		"outbox   2,000 targets  1,000/s  pipeline / outbox 50.0\n",
		"jobs     2,000 targets  2,000/s  pipeline / jobs 25.0\n",
		"again    100,000 targets  100,000/s  no new row\n",
		"x5       500,000 targets  45,454/s  cost of a target / that of the rounds 1.10  ratio to its floor 1.10\n",
	} {
		require.Contains(t, b.String(), line)
	}
	r.Runs = r.of(RowRivals, "")
	require.Zero(t, r.Compare()[0].Factor, "there is nothing to compare with")
}

// The plot is a picture of its own: well-formed, a bar for each kind in proportion, with machine and commit below.
func TestPlot(t *testing.T) {
	t.Parallel()
	drawn, err := comparedReport().Plot()
	require.NoError(t, err)
	var svg struct {
		Texts []string `xml:"text"`
		Bars  []struct {
			Class string  `xml:"class,attr"`
			Width float64 `xml:"width,attr"`
		} `xml:"rect"`
	}
	require.NoError(t, xml.Unmarshal(drawn, &svg))
	require.Len(t, svg.Bars, 4)
	require.InDelta(t, svg.Bars[0].Width, svg.Bars[1].Width, 0.1)
	require.InDelta(t, svg.Bars[1].Width/50, svg.Bars[2].Width, 0.1)
	require.Equal(t, "rival", svg.Bars[3].Class)
	for _, text := range []string{
		"50,000", "1,000", "2,000",
		"Medians of 100,000 members; of 2,000 where each target is a message and a transaction",
		"bestow bench, commit 0123abcd, 2026-11-21",
		"2 cores, 16.0 GiB, A <CPU> & Co, go1.26, PostgreSQL 15.18, a commit takes 200 µs, an embedded Kafka",
	} {
		require.Contains(t, svg.Texts, text)
	}
	require.Contains(t, string(drawn), "prefers-color-scheme: dark")
	empty, err := Report{}.Plot()
	require.NoError(t, err, "nothing was measured")
	require.NoError(t, xml.Unmarshal(empty, &svg))
}
