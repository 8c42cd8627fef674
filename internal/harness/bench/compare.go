package bench

import (
	"fmt"
	"time"

	"bestow/internal/english"
)

// Comparison holds what one kind of run of a row beside the rounds came to.
type Comparison struct {
	Row     string  `json:"row"`
	Kind    string  `json:"kind"`
	Targets int     `json:"targets"`
	Rate    float64 `json:"targets_per_s"`
	// Factor says how many times a target costs what it costs in the pipeline of the rounds, of the same command and
	// the medians of both; 0 where the rounds were not measured.
	Factor float64 `json:"factor,omitzero"`
	// Ratio is to the floor of the same row, 0 where it has none.
	Ratio float64 `json:"ratio,omitzero"`
}

// Compare sets the rows beside the rounds against the pipeline of the rounds.
func (r Report) Compare() (list []Comparison) {
	pipeline := 0.0
	if runs := r.of(RowRounds, Pipeline); len(runs) > 0 {
		pipeline = middle(runs).Rate()
	}
	for _, row := range rows {
		for _, kind := range []string{Outbox, Jobs, Pipeline, Small, Redelivery} {
			runs := r.of(row.Name, kind)
			if row.Name == RowRounds || len(runs) == 0 {
				continue
			}
			m := middle(runs)
			c := Comparison{Row: row.Name, Kind: kind, Targets: m.Targets, Rate: m.Rate(), Factor: pipeline / m.Rate()}
			if floors := r.of(row.Name, Floor); len(floors) > 0 {
				c.Ratio = float64(m.Total()) / float64(middle(floors).Total())
			}
			list = append(list, c)
		}
	}
	return list
}

// String is the line of a comparison.
func (c Comparison) String() string {
	name := c.Row
	if c.Row == RowRivals {
		name = c.Kind
	}
	line := fmt.Sprintf("%-8s %s targets  %s/s", name, english.Number(int64(c.Targets)), english.Number(int64(c.Rate)))
	switch {
	case c.Factor == 0:
	case c.Row == RowRivals:
		line += fmt.Sprintf("  pipeline / %s %.1f", name, c.Factor)
	case c.Kind == Redelivery:
		line += "  no new row"
	default:
		line += fmt.Sprintf("  cost of a target / that of the rounds %.2f", c.Factor)
	}
	if c.Ratio > 0 {
		line += fmt.Sprintf("  ratio to its floor %.2f", c.Ratio)
	}
	return line
}

// date is the day of the report.
func (r Report) date() string { return r.Began.Format(time.DateOnly) }
