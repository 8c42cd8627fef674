package bench

import (
	"context"
	"slices"
)

// Row is one thing that may be measured.
type Row struct {
	Name    string
	About   string
	Default bool // measured where nothing else is asked for, and as many rounds as are
	Times   int  // how many times the members it has; a rival has fewer

	kinds []string // of runs, in their order
	how   Variant
}

// The names of rows.
const (
	RowRounds   = "rounds"
	RowRivals   = "rivals"
	RowDelay    = "delay"
	RowHandlers = "handlers"
	RowMoney    = "money"
	RowSmall    = "small"
	RowAgain    = "again"
	RowFive     = "x5"
	RowTen      = "x10"
	RowPage     = "page"
	RowUse      = "use"
)

// order is a round: each kind stands as often before the other as behind it.
var order = []string{Floor, Pipeline, Pipeline, Floor}

// rows are measured in this order: those of one size stand together, since each size has a prepared database of its
// own.
var rows = []Row{
	{RowRounds, "floor, pipeline, pipeline, floor", true, 1, order, Variant{}},
	{RowRivals, "a message and a transaction for each target, behind an outbox and behind River jobs", true, 1, []string{Outbox, Jobs}, Variant{}},
	{RowDelay, "the pipeline with a broker each of whose answers comes 2 ms later", false, 1, []string{Pipeline}, Variant{Delay: true}},
	{RowHandlers, "the pipeline with 16 handlers", false, 1, []string{Pipeline}, Variant{Handlers: 16}},
	{RowMoney, "the pipeline with the ledger as a process of its own, over HTTP", false, 1, []string{Pipeline}, Variant{Ledger: true}},
	{RowUse, "uses of points: of members with few and with many lots, by many clients, and while as many lots as members run out", false, 1, []string{Use}, Variant{}},
	{RowSmall, "the pipeline with the same members in events of 1,000", false, 1, []string{Small}, Variant{}},
	{RowAgain, "every message of a completed event delivered once more", false, 1, []string{Redelivery}, Variant{}},
	{RowFive, "a round with five times the members", false, 5, order, Variant{}},
	{RowTen, "a round with ten times the members", false, 10, order, Variant{}},
	{RowPage, "of ten times the members, the first page of a list and one near the end", false, 10, []string{Page}, Variant{}},
}

// Rows is all that may be measured, in the order in which it is.
func Rows() []Row { return slices.Clone(rows) }

// measured are the names of the rows that are asked for.
func (c Config) measured() []string {
	if len(c.Rows) > 0 {
		return c.Rows
	}
	var names []string
	for _, r := range rows {
		if r.Default {
			names = append(names, r.Name)
		}
	}
	return names
}

// measure measures a row and adds its runs to r.
func (s *server) measure(ctx context.Context, row Row, r *Report) error {
	rounds, members := 1, row.Times*s.Members
	if row.Default {
		rounds = s.Rounds
	}
	if row.Name == RowRivals {
		members = s.RivalMembers
	}
	for round := 1; round <= rounds; round++ {
		for _, kind := range row.kinds {
			if err := s.prepare(ctx, max(members, s.Members)); err != nil {
				return err
			}
			run, err := s.run(ctx, runOf{row: row.Name, kind: kind, round: round, members: members, how: row.how})
			if err != nil {
				return err
			}
			r.Runs = append(r.Runs, run)
			if s.Progress != nil {
				s.Progress(run)
			}
		}
	}
	return nil
}
