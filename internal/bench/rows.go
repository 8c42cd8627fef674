package bench

import (
	"context"
	"slices"
)

// Row is one thing that may be measured.
type Row struct {
	Name    string
	About   string
	Default bool // measured where nothing else is asked for
	Times   int  // how many times the members it has at the most
	measure func(*server, context.Context, *Report) error
}

// The names of rows.
const (
	RowRounds   = "rounds"
	RowRivals   = "rivals"
	RowDelay    = "delay"
	RowHandlers = "handlers"
	RowSmall    = "small"
	RowAgain    = "again"
	RowFive     = "x5"
	RowTen      = "x10"
)

// rows are measured in this order: those of one size stand together, since each size has a prepared database of its own.
var rows = []Row{
	{RowRounds, "floor, pipeline, pipeline, floor, as many rounds as asked for", true, 1, (*server).rounds},
	{RowRivals, "a message and a transaction for each target, behind an outbox and behind River jobs", true, 1, (*server).rivals},
	{RowDelay, "the pipeline with a broker each of whose answers comes 2 ms later", false, 1, single(runOf{row: RowDelay, how: Variant{Delay: true}})},
	{RowHandlers, "the pipeline with 16 handlers", false, 1, single(runOf{row: RowHandlers, how: Variant{Handlers: 16}})},
	{RowSmall, "the pipeline with the same members in events of 1,000", false, 1, single(runOf{row: RowSmall, kind: Small})},
	{RowAgain, "every message of a completed event delivered once more", false, 1, single(runOf{row: RowAgain, kind: Again})},
	{RowFive, "floor and pipeline with five times the members", false, 5, multiple(RowFive, 5)},
	{RowTen, "floor and pipeline with ten times the members", false, 10, multiple(RowTen, 10)},
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

// order is a round: each kind stands as often before the other as behind it.
var order = []string{Floor, Pipeline, Pipeline, Floor}

func (s *server) rounds(ctx context.Context, r *Report) error {
	for round := 1; round <= s.Rounds; round++ {
		for _, kind := range order {
			if err := s.add(ctx, r, runOf{row: RowRounds, kind: kind, round: round, members: s.Members}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *server) rivals(ctx context.Context, r *Report) error {
	for round := 1; round <= s.Rounds; round++ {
		for _, kind := range []string{Outbox, Jobs} {
			if err := s.add(ctx, r, runOf{row: RowRivals, kind: kind, round: round, members: s.RivalMembers}); err != nil {
				return err
			}
		}
	}
	return nil
}

// single measures one run, of the pipeline if nothing else is said.
func single(o runOf) func(*server, context.Context, *Report) error {
	if o.kind == "" {
		o.kind = Pipeline
	}
	o.round = 1
	return func(s *server, ctx context.Context, r *Report) error {
		o.members = s.Members
		return s.add(ctx, r, o)
	}
}

// multiple measures floor and pipeline once, with so many times the members.
func multiple(row string, times int) func(*server, context.Context, *Report) error {
	return func(s *server, ctx context.Context, r *Report) error {
		for _, kind := range []string{Floor, Pipeline} {
			if err := s.add(ctx, r, runOf{row: row, kind: kind, round: 1, members: times * s.Members}); err != nil {
				return err
			}
		}
		return nil
	}
}

// add measures a run and adds it to r.
func (s *server) add(ctx context.Context, r *Report, o runOf) error {
	if err := s.prepare(ctx, max(o.members, s.Members)); err != nil {
		return err
	}
	run, err := s.run(ctx, o)
	if err != nil {
		return err
	}
	r.Runs = append(r.Runs, run)
	if s.Progress != nil {
		s.Progress(run)
	}
	return nil
}
