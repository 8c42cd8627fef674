package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"bestow/internal/harness/realkafka/cluster"
	"bestow/internal/harness/testbed"
)

func main() { testbed.Main("kill", run) }

// options hold what the command line says.
type options struct {
	times, stops, brakes int
	members              int
	kafka                int // brokers of the real Apache Kafka; 0: the embedded one
	brokerKills          int
	seed                 uint64
}

// run works one command line.
func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := readOptions(args)
	if err != nil {
		return err
	}
	return kill(ctx, o, out)
}

func readOptions(args []string) (o options, err error) {
	flags := flag.NewFlagSet("kill", flag.ContinueOnError)
	flags.IntVar(&o.times, "times", 20, "how many kills")
	flags.IntVar(&o.stops, "stops", 0, "stop running events so many times instead, a kill among each 25")
	flags.IntVar(&o.brakes, "brakes", 0,
		"engage the brake so many times instead, while the events of a lane run and wait, a kill among each 25")
	flags.IntVar(&o.kafka, "kafka", 0,
		"use the real Apache Kafka with 1 or 3 brokers, one of which is killed too where there are 3 (default: "+
			"the embedded one)")
	flags.IntVar(&o.brokerKills, "brokerkills", 0,
		"kill so many leaders of partitions while one event runs instead; needs -kafka 3")
	flags.IntVar(&o.members, "members", 100_000, "members of each event")
	flags.Uint64Var(&o.seed, "seed", 0, "chooses who is killed when (0: another one each time)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.seed == 0 {
		o.seed = 1 + rand.Uint64N(1_000_000)
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("read arguments: %q: there are only flags, see -h", flags.Arg(0))
	}
	return o, o.check()
}

func (o options) check() error {
	switch {
	case o.times < 1:
		return fmt.Errorf("read arguments: -times is %d: it must be 1 or more", o.times)
	case o.members < 10_000 || o.members > 5_000_000:
		return fmt.Errorf("read arguments: -members is %d: it must be 10000 to 5000000, "+
			"or there is no middle to kill in", o.members)
	case o.kafka != 0 && o.kafka != 1 && o.kafka != 3:
		return fmt.Errorf("read arguments: -kafka is %d: it must be 1 or 3 brokers", o.kafka)
	}
	return o.checkTask()
}

// checkTask refuses two tasks in one run, and one that is less than nothing.
func (o options) checkTask() error {
	tasks := 0
	for _, times := range []int{o.stops, o.brakes, o.brokerKills} {
		if times < 0 {
			return fmt.Errorf("read arguments: %d times: it must be 0 or more", times)
		}
		tasks += min(times, 1)
	}
	if tasks > 1 {
		return errors.New("read arguments: each of -stops, -brakes and -brokerkills goes without the others")
	}
	if o.brokerKills > 0 && o.kafka != 3 {
		return errors.New("read arguments: -brokerkills needs -kafka 3")
	}
	return nil
}

// task returns what is done.
func (o options) task() string {
	switch {
	case o.stops > 0:
		return fmt.Sprintf("%d stops and resumes, kill -9 among them,", o.stops)
	case o.brakes > 0:
		return fmt.Sprintf("%d brakes and releases, kill -9 among them,", o.brakes)
	case o.brokerKills > 0:
		return fmt.Sprintf("kill -9 of a partition's leader, %d times,", o.brokerKills)
	}
	return fmt.Sprintf("kill -9, %d times,", o.times)
}

// broker returns what Kafka is.
func (o options) broker() string {
	if o.kafka == 0 {
		return "an embedded broker"
	}
	return fmt.Sprintf("Apache Kafka %s (brokers: %d)", cluster.Version, o.kafka)
}

// kill installs bestow, plays all rounds, and tears it down. Where something failed, the folder with all logs stays.
func kill(ctx context.Context, o options, out io.Writer) (err error) {
	testbed.Say(out, "%s while %d members are granted; seed %d\n", o.task(), o.members, o.seed)
	began := time.Now()
	in, err := install(ctx, o)
	defer func() {
		keep := err != nil && ctx.Err() == nil
		err = errors.Join(err, in.TearDown(keep))
		if keep {
			testbed.Say(out, "the logs of all processes are in %s\n", in.Dir)
		}
	}()
	if err != nil {
		return err
	}
	testbed.Say(out, "PostgreSQL %s, %s and five processes of bestow are ready after %.1f s\n\n", in.Version, o.broker(),
		time.Since(began).Seconds())
	switch {
	case o.stops > 0:
		return stopMany(ctx, in, o, out)
	case o.brakes > 0:
		return brakeMany(ctx, in, o, out)
	case o.brokerKills > 0:
		return killBrokers(ctx, in, o, out)
	}
	results := playAll(ctx, &player{in, o.seed, o.members}, makePlan(o.seed, o.times, o.kafka), out)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	summary(out, results)
	return verdict(out, results, o)
}

// playAll plays the rounds until all are played or one of the children is gone.
func playAll(ctx context.Context, p *player, rounds []round, out io.Writer) []result {
	heading(out)
	var results []result
	for _, r := range rounds {
		res := p.play(ctx, r, func(res result) {
			if ctx.Err() == nil {
				line(out, res, p.members)
			}
		})
		results = append(results, res)
		if ctx.Err() != nil || res.err != nil && p.Ready(ctx) != nil {
			break
		}
	}
	return results
}

// verdict is an error if a round failed or was not played.
func verdict(out io.Writer, results []result, o options) error {
	failed := 0
	for _, r := range results {
		if r.err != nil {
			failed++
		}
	}
	if failed > 0 || len(results) < o.times {
		return fmt.Errorf("%d rounds failed, %d were not played; seed %d", failed, o.times-len(results), o.seed)
	}
	testbed.Say(out, "\n%d of %d: complete within %.0f s of the restart, verify clean, "+
		"every member in the ledger exactly once; seed %d\n",
		o.times, o.times, limit.Seconds(), o.seed)
	return nil
}
