package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"bestow/app"
	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/internal/english"
	"bestow/internal/harness/bench"
	"bestow/internal/harness/bench/rig"
)

type benchCmd struct {
	terminal.Format

	Members int      `default:"1000000" help:"Members of the event; at least 100000, since larger imports get their own partition."`
	Rounds  int      `default:"3" help:"How many rounds (floor, pipeline, pipeline, floor) and runs of each rival."`
	Rows    []string `default:"rounds,rivals" help:"What to measure, a comma-separated list: ${bench_rows}."`
	Rivals  int      `default:"20000" name:"rival-members" help:"Members of a rival's event; each takes about thirty times as long."`
	Plot    string   `placeholder:"FILE.svg" offer:"FILE" help:"Write a bar chart of the targets per second to this file."`
}

// Run measures the pipeline beside its floor and its rivals, with servers of its own where the environment names none.
// It fails unless every run ended exact.
func (c *benchCmd) Run(ctx context.Context, t *terminal.Terminal) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	if err := c.canPlot(); err != nil {
		return err
	}
	cfg, err := settings.Load()
	if err != nil {
		return err
	}
	if len(cfg.Brokers) > 0 && slices.Contains(c.Rows, bench.RowDelay) {
		return terminal.Usage("--rows %s delays the broker that bench starts itself: unset KAFKA_BROKERS",
			bench.RowDelay)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	t.Say("%s", c.plan())
	r, err := rig.Start(ctx, rig.Options{Settings: cfg, Program: self})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Stop()) }()
	config := r.Config(c.Members, c.Rounds)
	config.Rows, config.RivalMembers = c.Rows, c.Rivals
	if c.Output != "json" {
		config.Began = func(r bench.Report) {
			fmt.Fprintf(t.Out, "%s\nPostgreSQL %s\n%s\n\n", r.Machine, r.Server, r.Kafka)
		}
		config.Progress = func(r bench.Run) { fmt.Fprintf(t.Out, "%-8s %d  %s\n", r.Row, r.Round, r) }
	}
	report, err := bench.Measure(ctx, config)
	report.Medians, report.Comparisons = report.Sum(), report.Compare()
	return errors.Join(err, c.Print(t, report, func() error { return report.Write(t.Out) }), c.plot(report))
}

// plan says what the bench does and how long that takes, since its first line comes late.
func (c *benchCmd) plan() string {
	return fmt.Sprintf("bench writes a list of %s members, starts its servers and measures %s: up to %s each.\n"+
		"With 1,000,000 members and 2 cores a round takes about two minutes, and the first number comes after one or two.",
		english.Number(c.Members), strings.Join(c.Rows, " and "), english.Count(c.Rounds, "round"))
}

// check refuses numbers that make no bench.
func (c *benchCmd) check() error {
	if least := app.DefaultLimits().OwnPartition; c.Members < least || c.Members > bench.MostMembers {
		return terminal.Usage("--members is %d: it must be %d to %d", c.Members, least, bench.MostMembers)
	}
	if c.Rounds < 1 {
		return terminal.Usage("--rounds is %d: it must be 1 or more", c.Rounds)
	}
	if c.Rivals < 1 || c.Rivals > c.Members {
		return terminal.Usage("--rival-members is %d: it must be 1 to %d", c.Rivals, c.Members)
	}
	if len(c.Rows) == 0 {
		return terminal.Usage("--rows names nothing to measure: there are %s", benchRows())
	}
	for _, name := range c.Rows {
		i := slices.IndexFunc(bench.Rows(), func(r bench.Row) bool { return r.Name == name })
		if i < 0 {
			return terminal.Usage("--rows: there is no row %q, only %s", name, benchRows())
		}
		if most := bench.MostMembers / bench.Rows()[i].Times; c.Members > most {
			return terminal.Usage("--members is %d: with --rows %s it must be at most %d", c.Members, name, most)
		}
	}
	return nil
}

// benchRows lists what may be measured.
func benchRows() string {
	var list []string
	for _, r := range bench.Rows() {
		list = append(list, r.Name+" ("+r.About+")")
	}
	return strings.Join(list, ", ")
}

// canPlot opens the file of the plot before the measurement, so that an error comes at once.
func (c *benchCmd) canPlot() error {
	if c.Plot == "" {
		return nil
	}
	f, err := os.OpenFile(c.Plot, os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // a picture, readable for all
	if err != nil {
		return terminal.Usage("--plot: %v: give a file that can be written", err)
	}
	return f.Close()
}

// plot draws the report into the file that was asked for, if one was and there is something to draw.
func (c *benchCmd) plot(r bench.Report) error {
	if c.Plot == "" || len(r.Runs) == 0 {
		return nil
	}
	picture, err := r.Plot()
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.Plot, picture, 0o644); err != nil { //nolint:gosec // a picture, readable for all
		return fmt.Errorf("write plot: %w", err)
	}
	return nil
}

type benchBrokerCmd struct {
	Dir   string        `arg:"" help:"The folder of its data."`
	Delay time.Duration `help:"By how much its answers come later."`
}

// Run is a broker until standard input ends.
func (c *benchBrokerCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	return rig.ServeBroker(ctx, c.Dir, c.Delay, t.Out, t.In)
}
