package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"bestow/internal/harness/testbed"
)

func main() { testbed.Main("chaos", run) }

// options hold what the command line says.
type options struct {
	seed   uint64
	cycles int
	soak   time.Duration // instead of a number of cycles
	kafka  int           // brokers of the real Apache Kafka; 0: the embedded one
	only   []string      // the faults to choose from; none: all
	keep   bool
}

// run works one command line.
func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := readOptions(args)
	if err != nil {
		return err
	}
	return chaos(ctx, o, out)
}

func readOptions(args []string) (o options, err error) {
	var only string
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.Uint64Var(&o.seed, "seed", 0,
		"decides what the operators do and which faults come in which order (0: another one each time)")
	flags.IntVar(&o.cycles, "cycles", 100, "how many faults")
	flags.DurationVar(&o.soak, "soak", 0,
		"go on for that long instead, with a fault each 20 seconds, and look for what grows")
	flags.IntVar(&o.kafka, "kafka", 0, "use the real Apache Kafka with 1 or 3 brokers (default: the embedded one)")
	flags.StringVar(&only, "only", "",
		"choose from these faults only, a comma list of: "+strings.Join(kindNames(), ", "))
	flags.BoolVar(&o.keep, "keep", false, "keep the folder with all logs, however it ends")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.seed == 0 {
		o.seed = 1 + rand.Uint64N(1_000_000)
	}
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("read arguments: %q: there are only flags, see -h", flags.Arg(0))
	}
	return o, o.check()
}

func (o options) check() error {
	for _, name := range o.only {
		if !slices.Contains(kindNames(), name) {
			return fmt.Errorf("read arguments: -only: there is no fault %q: there are %s", name,
				strings.Join(kindNames(), ", "))
		}
	}
	switch {
	case o.cycles < 1:
		return fmt.Errorf("read arguments: -cycles is %d: it must be 1 or more", o.cycles)
	case o.soak < 0 || o.soak > 0 && o.soak < 3*time.Minute:
		return fmt.Errorf("read arguments: -soak is %s: it must be 3m or more, or its thirds say nothing", o.soak)
	case o.kafka != 0 && o.kafka != 1 && o.kafka != 3:
		return fmt.Errorf("read arguments: -kafka is %d: it must be 1 or 3 brokers", o.kafka)
	}
	return nil
}

// withLedger is the handler that has the ledger inside; the other asks the process ledger over HTTP.
const (
	withLedger = "handler-1"
	ledger     = "money"
)

// services are the processes of bestow. Their names say what they do, and so where a fault may hit them.
var services = []testbed.Service{
	{Name: "api", Roles: "api"},
	{Name: "relay-1", Roles: "relay"},
	{Name: "relay-2", Roles: "relay"},
	{Name: withLedger, Roles: "handler"},
	{Name: "handler-2", Roles: "handler", Ledger: ledger},
	{Name: ledger, Roles: "money"},
	{Name: "jobs-1", Roles: "jobs"},
	{Name: "jobs-2", Roles: "jobs"},
}

// Small messages and short waits: a thousand messages of two seconds' retries are more to break than ten of a minute's.
var settings = []string{
	"BESTOW_MESSAGE_TARGETS=50", "BESTOW_RETRY_BACKOFF=2s", "BESTOW_DB_MAX_CONNS=12",
	"BESTOW_TOPIC_PARTITIONS=4",
}

// chaos installs bestow, breaks it as often as is asked for, and tears it down. Where something failed, all logs stay.
func chaos(ctx context.Context, o options, out io.Writer) (err error) {
	log := &timeline{out: out, began: time.Now()}
	log.say("seed %d; run it again with: %s", o.seed, o.again())
	log.say("bestow is being built and installed")
	f := newProxies()
	defer f.close()
	bed, err := testbed.Install(ctx, testbed.Options{
		Name: "chaos", Tags: "failpoint", Kafka: o.kafka, Services: services, Env: settings, Proxy: f.put,
	})
	defer func() {
		keep := o.keep || err != nil && ctx.Err() == nil
		err = errors.Join(err, bed.TearDown(keep))
		if keep {
			log.say("the logs of all processes are in %s", bed.Dir)
		}
	}()
	if err != nil {
		return err
	}
	log.say("PostgreSQL %s, %s and %d processes of bestow are ready", bed.Version, o.broker(), len(services))
	w, err := newWorld(ctx, bed, f, log, o)
	if err != nil {
		return err
	}
	defer w.close()
	return w.run(ctx)
}

func (o options) broker() string {
	if o.kafka == 0 {
		return "an embedded broker"
	}
	return fmt.Sprintf("%d brokers of Apache Kafka", o.kafka)
}

// again is the command that makes the same plan.
func (o options) again() string {
	words := []string{"go run ./internal/harness/chaos", fmt.Sprintf("-seed %d", o.seed)}
	if o.soak > 0 {
		words = append(words, fmt.Sprintf("-soak %s", o.soak))
	} else {
		words = append(words, fmt.Sprintf("-cycles %d", o.cycles))
	}
	if o.kafka > 0 {
		words = append(words, fmt.Sprintf("-kafka %d", o.kafka))
	}
	if len(o.only) > 0 {
		words = append(words, "-only "+strings.Join(o.only, ","))
	}
	return strings.Join(words, " ")
}
