package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"bestow/internal/harness/testbed"
)

const (
	// manyMessages is the number of targets that a message has where only brokers are killed: with 1,000 the event
	// would be over before the second kill, and the brokers would have had a few hundred messages to lose.
	manyMessages = "20"
	// manyPatience is the time that an event of so many messages may take after the last kill.
	manyPatience = 10 * time.Minute
)

// killLeader kills the broker that leads the round's partition.
func (in *installation) killLeader(ctx context.Context, r round) (err error) {
	if in.dead, err = in.Cluster.Leader(ctx, r.topic(), r.part); err != nil {
		return err
	}
	return in.Cluster.KillBroker(in.dead)
}

// topic returns where the messages of the round's event go.
func (r round) topic() string { return name + "." + strings.ToLower(r.eventType()) }

// breaker kills leaders of partitions while an event runs.
type breaker struct {
	*player
	random *rand.Rand
	enough int
	kills  []time.Time // those that hit a running event
}

// killBrokers kills as many leaders as are asked for, each as soon as all replicas are in sync again, and proves that
// the event was granted exactly. Where an event is over too soon, another one is made.
func killBrokers(ctx context.Context, in *installation, o options, out io.Writer) error {
	b := &breaker{
		player: &player{in, o.seed, o.members}, random: rand.New(rand.NewPCG(o.seed, 2)),
		enough: o.brokerKills,
	}
	testbed.Say(out, " kill  event  broker  leader of     granted   dead  in sync after\n")
	events := 0
	for number := 1; len(b.kills) < o.brokerKills; number++ {
		before := len(b.kills)
		if err := b.event(ctx, number, out); err != nil {
			return fmt.Errorf("after %d kills: %w; seed %d", len(b.kills), err, o.seed)
		}
		if events = number; len(b.kills) == before {
			return fmt.Errorf("event %d was over before the first kill: give more -members", number)
		}
	}
	testbed.Say(out,
		"\n%d leaders killed in mid-run, events: %d: verify clean, every member in the ledger exactly once; seed %d\n",
		len(b.kills), events, o.seed)
	return nil
}

// event runs one event to its end, with a kill whenever the cluster is whole.
func (b *breaker) event(ctx context.Context, number int, out io.Writer) error {
	r := round{number: number, victim: broker, voucher: number%3 == 0, at: earliest / 2, publish: true}
	began := time.Now()
	res := result{round: r}
	var err error
	if res.event, err = b.begin(ctx, r, 1); err != nil {
		return err
	}
	if err := b.reach(ctx, &res); err != nil {
		return err
	}
	var kills []time.Time
	for running := true; running && len(b.kills)+len(kills) < b.enough; {
		killed, err := b.killOne(ctx, res, len(b.kills)+len(kills)+1, out)
		if err != nil {
			return fmt.Errorf("event %d: %w: %s", res.event, err, b.stuck(ctx, res.event))
		}
		kills = append(kills, killed)
		now, err := b.API.Progress(ctx, res.event)
		running = testbed.Passing(err) || now.Status == "RUNNING"
	}
	if err := b.completed(ctx, res.event, manyPatience); err != nil {
		return fmt.Errorf("event %d: %w: %s", res.event, err, b.stuck(ctx, res.event))
	}
	if err := b.judge(ctx, &res); err != nil {
		return fmt.Errorf("event %d: %w", res.event, err)
	}
	hits := hitting(kills, res.completedAt)
	b.kills = append(b.kills, hits...)
	testbed.Say(out, "event %d: %d of its kills were in mid-run; %d jobs and %d chunks were done again; "+
		"complete after %.1f s; %d of %d in the ledger\n",
		res.event, len(hits), res.jobs, res.chunks, time.Since(began).Seconds(), b.members, b.members)
	return b.Ready(ctx)
}

// hitting are the kills that were before the event's end.
func hitting(kills []time.Time, completed time.Time) (hits []time.Time) {
	for _, k := range kills {
		if k.Before(completed) {
			hits = append(hits, k)
		}
	}
	return hits
}

// killOne kills one leader, starts it again, and waits until every replica is in sync.
func (b *breaker) killOne(ctx context.Context, res result, nth int, out io.Writer) (killed time.Time, err error) {
	res.part, res.pause = b.random.Int32N(partitions), time.Duration(b.random.Int64N(int64(maxPause)))
	now, err := b.API.Progress(ctx, res.event)
	if err != nil && !testbed.Passing(err) {
		return killed, err
	}
	killed = time.Now()
	if err := b.strike(ctx, res.round); err != nil {
		return killed, err
	}
	began := time.Now()
	if err := b.restart(ctx, res.round); err != nil {
		return killed, err
	}
	if err := b.Cluster.InSync(ctx); err != nil {
		return killed, err
	}
	testbed.Say(out, "%5d  %5d  %6d  %-12s  %5.0f %%  %3.1f s  %5.1f s\n", nth, res.event, b.dead,
		fmt.Sprintf("%s/%d", res.topic(), res.part), 100*now.SettledPart(), res.pause.Seconds(),
		time.Since(began).Seconds())
	return killed, b.Ended()
}
