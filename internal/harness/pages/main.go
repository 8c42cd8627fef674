package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"time"

	"bestow/internal/harness/testbed"
)

func main() { testbed.Main(name, run) }

// name begins the names of the folder and of the topics.
const name = "pages"

// What a page may cost.
const (
	mostTime  = 100 * time.Millisecond // of the server, in the median
	mostBytes = 150_000                // gzipped, with the style and the script
	mostCores = 0.05                   // that the watchers cost beside one
)

// options hold what the command line says.
type options struct {
	targets, events, watchers int
	rounds                    int
	watch                     time.Duration
	stay                      bool
}

func readOptions(args []string) (o options, err error) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.IntVar(&o.targets, "targets", 1_000_000, "targets of all events together")
	flags.IntVar(&o.events, "events", 1000, "how many events")
	flags.IntVar(&o.watchers, "watchers", 500, "pages that are open at the same time")
	flags.IntVar(&o.rounds, "rounds", 20, "requests for each page")
	flags.DurationVar(&o.watch, "watch", 30*time.Second, "how long the watchers watch")
	flags.BoolVar(&o.stay, "stay", false, "serve until it is interrupted, after the table")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("read arguments: %q: there are only flags, see -h", flags.Arg(0))
	case o.events < 300 || o.events > 1_000_000:
		err = fmt.Errorf("read arguments: -events is %d: it must be 300 to 1000000", o.events)
	case o.targets < 100*o.events || o.targets > 1_000_000_000:
		err = fmt.Errorf("read arguments: -targets is %d: it must be 100 an event to 1000000000", o.targets)
	case o.watchers < 1 || o.watchers > 5000:
		err = fmt.Errorf("read arguments: -watchers is %d: it must be 1 to 5000", o.watchers)
	case o.rounds < 1 || o.watch <= 0:
		err = errors.New("read arguments: -rounds and -watch must be more than 0")
	}
	return o, err
}

// run works one command line: it installs bestow, fills the tables, measures, and tears all down.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := readOptions(args)
	if err != nil {
		return err
	}
	b, err := testbed.Install(ctx, testbed.Options{Name: name, Services: []testbed.Service{{Name: "api", Roles: "api"}}})
	defer func() { err = errors.Join(err, b.TearDown(false)) }()
	if err != nil {
		return err
	}
	testbed.Say(out, "PostgreSQL %s, %d cores, %s/%s\n", b.Version, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	if err := fill(ctx, b.URL, o, out); err != nil {
		return err
	}
	if err := b.Kill(b.Service("api")); err != nil { // it has plans of empty tables
		return err
	}
	if err := b.Start(ctx, b.Service("api")); err != nil {
		return err
	}
	if err := b.Ready(ctx); err != nil {
		return err
	}
	alive, stop := context.WithCancel(ctx)
	defer stop()
	go keepAlive(alive, b.URL)
	judged := measure(ctx, b, o, out)
	if o.stay && ctx.Err() == nil {
		testbed.Say(out, "\n%s\nkey %s\ndatabase %s\n", b.API.URL, b.API.Key, b.URL)
		<-ctx.Done()
	}
	return judged
}

// measure prints the tables, and says what is above its bound.
func measure(ctx context.Context, b *testbed.Testbed, o options, out io.Writer) error {
	db, err := connect(ctx, b.URL)
	if err != nil {
		return err
	}
	places, err := readPlaces(ctx, db)
	_ = db.Close(context.WithoutCancel(ctx)) // it was read
	if err != nil {
		return err
	}
	c, err := signIn(ctx, b.API)
	if err != nil {
		return err
	}
	visits, err := c.visitAll(ctx, places.paths(), o.rounds)
	if err != nil {
		return err
	}
	printVisits(out, visits)
	return errors.Join(judge(visits), c.watch(ctx, b.Service("api"), places, o, out))
}
