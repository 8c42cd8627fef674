package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"bestow/internal/english"
)

// Report is all that was measured.
type Report struct {
	Began   time.Time `json:"began"`
	Members int       `json:"members"`
	Commit  string    `json:"commit,omitempty"`
	Machine Machine   `json:"machine"`
	Server  Server    `json:"postgresql"`
	Kafka   string    `json:"kafka,omitempty"`
	Runs    []Run     `json:"runs"`
	Medians *Medians  `json:"medians,omitempty"`
	// Comparisons are with the pipeline of the rounds.
	Comparisons []Comparison `json:"comparisons,omitempty"`
}

// MarshalJSON writes times in nanoseconds.
func (r Report) MarshalJSON() ([]byte, error) {
	type plain Report
	return json.Marshal(plain(r))
}

// Medians sum a report up: of each number the median of its runs, of the ratio that of the rounds.
type Medians struct {
	Pipeline Run     `json:"pipeline"`
	Floor    Run     `json:"floor"`
	Ratio    float64 `json:"ratio"`
	Import   float64 `json:"ratio_import"`
	Grant    float64 `json:"ratio_run"`
}

// Sum computes the medians; nil without a whole round.
func (r Report) Sum() *Medians {
	r.Runs = r.of(RowRounds, "")
	floors, pipelines := r.of("", Floor), r.of("", Pipeline)
	if len(floors) == 0 || len(pipelines) == 0 {
		return nil
	}
	return &Medians{
		Pipeline: middle(pipelines), Floor: middle(floors),
		Ratio: r.ratio(Run.Total), Import: r.ratio(func(n Run) time.Duration { return n.Import }),
		Grant: r.ratio(func(n Run) time.Duration { return n.Grant }),
	}
}

// of is the runs of a row and a kind, "" being all.
func (r Report) of(row, kind string) []Run {
	return slices.DeleteFunc(slices.Clone(r.Runs), func(n Run) bool {
		return row != "" && n.Row != row || kind != "" && n.Kind != kind
	})
}

// ratio is pipeline over floor, the median of the rounds.
func (r Report) ratio(of func(Run) time.Duration) float64 {
	sums := map[int]map[string]time.Duration{}
	for _, n := range r.Runs {
		if sums[n.Round] == nil {
			sums[n.Round] = map[string]time.Duration{}
		}
		sums[n.Round][n.Kind] += of(n)
	}
	var ratios []float64
	for _, s := range sums {
		if s[Floor] > 0 && s[Pipeline] > 0 {
			ratios = append(ratios, float64(s[Pipeline])/float64(s[Floor]))
		}
	}
	return median(ratios)
}

// middle is a run of medians.
func middle(runs []Run) Run {
	m := runs[0]
	m.Round = 0
	m.Import = median(each(runs, func(n Run) time.Duration { return n.Import }))
	m.Grant = median(each(runs, Run.Total)) - m.Import
	m.WAL = median(each(runs, func(n Run) int64 { return n.WAL }))
	m.HOT = median(each(runs, func(n Run) float64 { return n.HOT }))
	m.CPU = median(each(runs, func(n Run) time.Duration { return n.CPU }))
	m.Memory = median(each(runs, func(n Run) int64 { return n.Memory }))
	m.Exact = !slices.ContainsFunc(runs, func(n Run) bool { return !n.Exact })
	return m
}

func each[T any](runs []Run, of func(Run) T) []T {
	list := make([]T, len(runs))
	for i, n := range runs {
		list[i] = of(n)
	}
	return list
}

// median is the middle of list, or the mean of the two in the middle; 0 of none.
func median[T ~int64 | ~float64](list []T) (m T) {
	if len(list) == 0 {
		return m
	}
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// Write prints the medians, and what was found wrong, below the runs.
func (r Report) Write(w io.Writer) error {
	for _, n := range r.Runs {
		for _, wrong := range n.Wrong {
			fmt.Fprintf(w, "%s of row %s, round %d, is not exact: %s\n", n.Kind, n.Row, n.Round, wrong)
		}
	}
	if list := r.Compare(); len(list) > 0 {
		fmt.Fprintln(w)
		for _, c := range list {
			fmt.Fprintln(w, c)
		}
	}
	m := r.Sum()
	if m == nil {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nmedians  %s\n         %s\n         ratio of the import %.2f, of the run %.2f\n\n%s\n",
		m.Pipeline, m.Floor, m.Import, m.Grant, m)
	return err
}

// String is the line of a run.
func (r Run) String() string {
	if r.Pages != nil {
		return fmt.Sprintf("%-8s the first of %s targets in %s, behind 99 %% of them in %s  %s", r.Kind,
			english.Number(int64(r.Targets)),
			r.Pages.First.Round(time.Microsecond), r.Pages.Last.Round(time.Microsecond), r.verdict())
	}
	if r.Uses != nil {
		return fmt.Sprintf("%-8s %s  %s", r.Kind, r.Uses, r.verdict())
	}
	return fmt.Sprintf("%-8s %s = import %s + run %s  %s", r.Kind, seconds(r.Total()), seconds(r.Import),
		seconds(r.Grant), r.costs())
}

func (r Run) costs() string {
	return fmt.Sprintf("%s targets/s  WAL %s B/target  HOT %.0f %%  Go CPU %.1f s  RSS %+d MiB  %s",
		english.Number(int64(r.Rate())), english.Number(r.WAL/int64(r.Targets)), r.HOT, r.CPU.Seconds(), r.Memory>>20,
		r.verdict())
}

func (r Run) verdict() string {
	if r.Exact {
		return "EXACT ok"
	}
	return "NOT EXACT"
}

// String is the one line that sums up.
func (m Medians) String() string {
	return fmt.Sprintf("pipeline %s  floor %s  ratio %.2f  %s", seconds(m.Pipeline.Total()), seconds(m.Floor.Total()),
		m.Ratio, m.Pipeline.costs())
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s" }
