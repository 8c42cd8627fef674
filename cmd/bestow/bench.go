package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bestow/app"
	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/internal/embedpg"
	"bestow/internal/harness/bench"
	"bestow/internal/seal"
)

type benchCmd struct {
	terminal.Format

	Members int      `default:"1000000" help:"Members of the event; at least 100000, since larger imports get their own partition."`
	Rounds  int      `default:"3" help:"How many rounds (floor, pipeline, pipeline, floor) and runs of each rival."`
	Rows    []string `default:"rounds,rivals" help:"What to measure, a comma-separated list: ${bench_rows}."`
	Rivals  int      `default:"20000" name:"rival-members" help:"Members of a rival's event; each takes about thirty times as long."`
	Plot    string   `placeholder:"FILE.svg" help:"Write a bar chart of the targets per second to this file."`
}

// Run measures the pipeline beside its floor and its rivals, with servers of its own where the environment names none.
// It fails unless every run ended exact.
func (c *benchCmd) Run(ctx context.Context, t *terminal.Terminal) error {
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
	b := &bencher{cfg: cfg, self: self}
	defer b.stop()
	if err := b.start(ctx); err != nil {
		return err
	}
	config := b.config(c.Members, c.Rounds)
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

// bencher has the servers of a bench, and starts the product on them.
type bencher struct {
	cfg      settings.Config
	self     string       // this program
	master   *seal.Master // of cfg
	dir      string
	log      *slog.Logger
	logFile  *os.File
	postgres *embedpg.Server
	broker   *brokerProcess
	delayed  *brokerProcess // nil until a row asks for it
}

func (b *bencher) start(ctx context.Context) (err error) {
	if b.master, err = b.cfg.Master(); err != nil {
		return err
	}
	if b.dir, err = b.cfg.OpenDataDir("bench"); err != nil {
		return err
	}
	if b.logFile, err = os.Create(filepath.Join(b.dir, "bench.log")); err != nil {
		return fmt.Errorf("open the bench's log: %w", err)
	}
	b.log = slog.New(slog.NewTextHandler(b.logFile, nil))
	b.cfg.Addr, b.cfg.OpsAddr = "127.0.0.1:0", "127.0.0.1:0"
	if b.cfg.AdminKey == "" {
		b.cfg.AdminKey = settings.NewAdminKey()
	}
	if b.cfg.DatabaseURL == "" {
		if b.postgres, err = embedpg.Start(ctx,
			embedpg.Options{Dir: filepath.Join(b.dir, "postgres"), Log: b.log}); err != nil {
			return err
		}
		b.cfg.DatabaseURL = b.postgres.URL
	}
	if len(b.cfg.Brokers) == 0 {
		if b.broker, err = startBroker(ctx, filepath.Join(b.dir, "kafka"), 0); err != nil {
			return err
		}
		b.cfg.Brokers = []string{b.broker.addr}
	}
	return nil
}

// stop ends what was started, in reverse.
func (b *bencher) stop() {
	for _, broker := range []*brokerProcess{b.delayed, b.broker} {
		if broker == nil {
			continue
		}
		if err := broker.stop(); err != nil {
			b.log.Error("remove the broker's data", "err", err)
		}
	}
	if b.postgres != nil {
		if err := b.postgres.Stop(context.Background()); err != nil {
			b.log.Error("stop postgresql", "err", err)
		}
	}
	if b.logFile != nil {
		_ = b.logFile.Close() // a log of a bench
	}
}
