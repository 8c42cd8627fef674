package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"bestow/internal/harness/testbed"
)

// kind is a kind of fault.
type kind struct {
	name    string
	weight  int      // how often it is chosen, beside the others
	victims []string // whom it can hit, by what their names begin with; none: no process of bestow, or as the place says
	fake    bool     // it needs the embedded broker, which has a proxy
	forgets bool     // it takes away what a soak watches: the spared processes, or PostgreSQL's statistics
	play    func(context.Context, *world, fault) (said string, err error)
}

// fault is one fault of a plan.
type fault struct {
	kind   *kind
	victim string        // a process; "" where the kind hits none
	length time.Duration // how long it lasts, or how long the victim stays dead
	place  place         // where a process is to kill itself
	nth    int           // at which passage of it
	pick   uint64        // chooses among what the kind can do
	rest   time.Duration // the load before the next one
}

// point is the kind whose victim dies at a place of the code.
const point = "point"

var everyRole = []string{"api", "relay", "handler", ledger, "jobs"}

// kinds are all faults. It is a function since they refer to what refers to them.
func kinds() []*kind {
	return []*kind{
		{name: "kill", weight: 20, victims: everyRole, play: kill},
		{name: point, weight: 20, play: killAtPoint},
		{name: "everything", weight: 3, forgets: true, play: killEverything},
		{name: "postgres", weight: 7, forgets: true, play: killPostgres},
		{name: "kafka", weight: 5, play: killKafka},
		{name: "restart", weight: 8, victims: everyRole, play: restart},
		{name: "pause", weight: 6, victims: everyRole, play: standStill},
		{name: "sleep", weight: 3, victims: []string{"relay", "handler", ledger, "jobs"}, play: sleepLong},
		{name: "cut", weight: 6, victims: everyRole, play: cut},
		{name: "slow", weight: 3, victims: everyRole, play: slow},
		{name: "silent", weight: 3, victims: everyRole, play: silent},
		{name: "commits", weight: 6, victims: everyRole, play: loseAnswers},
		{name: "cutkafka", weight: 3, fake: true, play: cutKafka},
		{name: "slowkafka", weight: 2, fake: true, play: slowKafka},
		{name: "cutmoney", weight: 3, play: cutMoney},
		{name: "slowmoney", weight: 2, play: slowMoney},
		{name: "ledger", weight: 6, victims: []string{withLedger, ledger}, play: spoilLedger},
		{name: "again", weight: 4, play: again},
		{name: "rubbish", weight: 3, play: rubbish},
	}
}

func kindNames() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// planner chooses the faults of a seed.
type planner struct {
	o      options
	random *rand.Rand
	deck   []place // still to be dealt
}

func newPlanner(o options) *planner { return &planner{o: o, random: rand.New(rand.NewPCG(o.seed, 0))} }

// next chooses the next fault. In a soak the first relay, the first handler and the api are spared, to see what grows
// in them.
func (p *planner) next() fault {
	f := fault{kind: p.kind()}
	if f.kind.name == point {
		f.place = p.deal()
		f.victim = p.process(f.place.process)
	} else if len(f.kind.victims) > 0 {
		f.victim = p.process(f.kind.victims[p.random.IntN(len(f.kind.victims))])
	}
	f.length = 200*time.Millisecond + time.Duration(p.random.Int64N(int64(1800*time.Millisecond)))
	f.nth, f.pick = 1, p.random.Uint64()
	// the others pass their places rarely
	if slices.Contains([]string{"relay", "handler", withLedger, ledger}, f.place.process) {
		f.nth = max(1, p.random.IntN(6)-2)
	}
	f.rest = time.Duration(p.random.Int64N(int64(700 * time.Millisecond)))
	return f
}

// kind is one of those that may be, by their weights.
func (p *planner) kind() *kind {
	var from []*kind
	total := 0
	for _, k := range kinds() {
		if (len(p.o.only) == 0 || slices.Contains(p.o.only, k.name)) && (p.o.kafka == 0 || !k.fake) &&
			(p.o.soak == 0 || !k.forgets) {
			from = append(from, k)
			total += k.weight
		}
	}
	at := p.random.IntN(total)
	for _, k := range from {
		if at -= k.weight; at < 0 {
			return k
		}
	}
	return nil // not reached: the weights are the total
}

// process is one of a role, or the one of that name.
func (p *planner) process(role string) string {
	var names []string
	for _, s := range services {
		if strings.HasPrefix(s.Name, role) && (p.o.soak == 0 || !slices.Contains(spared, s.Name)) {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return ledger // of a soak, for processes that it does not hit
	}
	return names[p.random.IntN(len(names))]
}

const (
	// orderly is the time that a process may take to end when it is asked to; bestow's own limit is 20 s.
	orderly = 30 * time.Second
	// pastRescue is longer than River leaves a job with a worker that says nothing: 30 s, its tick of 30 s, and the
	// leader's lease. A chunk's claim ends after 15 s, a member of a consumer group after less.
	pastRescue = 85 * time.Second
	// spoils is the time that a misbehaving ledger is watched before the next fault; it goes on until its process is
	// hit.
	spoils = 3 * time.Second
)

func kill(ctx context.Context, w *world, f fault) (string, error) {
	defer w.recoveries.watch(ctx)(time.Now())
	w.Service(f.victim).Kill()
	testbed.Pause(ctx, f.length)
	return fmt.Sprintf("SIGKILL, dead for %.1f s", f.length.Seconds()), w.startAgain(ctx, f.victim)
}

// killAtPoint starts a process that kills itself at a place of the code, brings it there, and starts it again when it
// has.
func killAtPoint(ctx context.Context, w *world, f fault) (string, error) {
	at := f.place.point
	w.wakeNow(f.victim)
	if _, err := w.endOrderly(f.victim); err != nil {
		return "", err
	}
	rules := fmt.Sprintf("%s=kill@%d", at, f.nth)
	if more := leads[at]; more != "" {
		rules += ";" + more
	}
	if err := w.startWith(ctx, f.victim, rules); err != nil {
		return "", err
	}
	now := w.Service(f.victim).Now
	now.Expect()
	if err := w.lead(ctx, f); err != nil {
		return "", err
	}
	said := fmt.Sprintf("died at passage %d of %s", f.nth, at)
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-now.Done():
		if !now.Killed() {
			return "", fmt.Errorf("it was to kill itself at %s, and ended: %w: see %s", at, now.Result(), now.Log)
		}
		w.places[at] = true
	case <-time.After(within(f.place)):
		said = fmt.Sprintf("did not come to passage %d of %s, SIGKILL", f.nth, at)
		now.Kill()
	}
	w.recoveries.watch(ctx)(time.Now())
	return said, w.startAgain(ctx, f.victim)
}

func killEverything(ctx context.Context, w *world, f fault) (string, error) {
	defer w.recoveries.watch(ctx)(time.Now())
	if err := w.Kill(w.Processes...); err != nil {
		return "", err
	}
	testbed.Pause(ctx, f.length)
	var names []string
	for _, s := range services {
		names = append(names, s.Name)
	}
	return fmt.Sprintf("SIGKILL for all %d, dead for %.1f s", len(names), f.length.Seconds()),
		w.startAgain(ctx, names...)
}

func killPostgres(ctx context.Context, w *world, f fault) (string, error) {
	defer w.recoveries.watch(ctx)(time.Now())
	if err := w.KillPostgres(); err != nil {
		return "", err
	}
	testbed.Pause(ctx, f.length)
	return fmt.Sprintf("SIGKILL for the postmaster, dead for %.1f s", f.length.Seconds()), w.StartPostgres(ctx)
}

// killKafka kills the embedded broker, or one of the real ones.
func killKafka(ctx context.Context, w *world, f fault) (string, error) {
	defer w.recoveries.watch(ctx)(time.Now())
	if w.Cluster == nil {
		w.KillKafka()
		testbed.Pause(ctx, f.length)
		return fmt.Sprintf("SIGKILL for the broker, dead for %.1f s", f.length.Seconds()), w.StartKafka(ctx)
	}
	broker := brokerOf(f.pick, w.o.kafka)
	if err := w.Cluster.KillBroker(broker); err != nil {
		return "", err
	}
	testbed.Pause(ctx, f.length)
	return fmt.Sprintf("SIGKILL for broker %d, dead for %.1f s", broker, f.length.Seconds()),
		w.Cluster.StartBroker(ctx, broker)
}

// brokerOf picks one of the brokers of a cluster, which counts them from 1.
func brokerOf(pick uint64, brokers int) int { return 1 + int(pick%uint64(brokers)) }

func restart(ctx context.Context, w *world, f fault) (string, error) {
	w.wakeNow(f.victim)
	took, err := w.endOrderly(f.victim)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("SIGTERM, ended after %.1f s", took.Seconds()), w.startAgain(ctx, f.victim)
}

// endOrderly asks a process to end. It must do so by itself, within its own limit, and without an error.
func (w *world) endOrderly(name string) (took time.Duration, err error) {
	now, began := w.Service(name).Now, time.Now()
	now.Stop(orderly)
	if err := now.Result(); err != nil {
		return 0, fmt.Errorf("%s was asked to end, and did so after %.1f s: %w: see %s", name,
			time.Since(began).Seconds(), err, now.Log)
	}
	return time.Since(began), nil
}

// standStill lets a process stand still for a time that the others do not notice, up to the lease of a claim.
func standStill(ctx context.Context, w *world, f fault) (string, error) {
	length := f.length
	if f.pick%4 == 0 {
		length *= 10
	}
	w.wakeNow(f.victim)
	now := w.Service(f.victim).Now
	if err := now.Pause(); err != nil {
		return "", err
	}
	testbed.Pause(ctx, length)
	return fmt.Sprintf("SIGSTOP for %.1f s, SIGCONT", length.Seconds()), now.Continue()
}

// sleepLong lets a process stand still until all others have given it up, while the next faults hit the others. Only
// one sleeps at a time; a second one is paused.
func sleepLong(ctx context.Context, w *world, f fault) (string, error) {
	w.mu.Lock()
	if len(w.asleep) > 0 {
		w.mu.Unlock()
		return standStill(ctx, w, f)
	}
	defer w.mu.Unlock()
	now, awake := w.Service(f.victim).Now, make(chan struct{})
	if err := now.Pause(); err != nil {
		return "", err
	}
	w.asleep[f.victim] = awake
	go func() {
		defer close(awake)
		testbed.Pause(ctx, pastRescue)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.asleep[f.victim] == awake {
			delete(w.asleep, f.victim)
			_ = now.Continue() // an error: it was killed
			w.slept++
			w.log.say("       %s wakes", f.victim)
		}
	}()
	return fmt.Sprintf("SIGSTOP for %.0f s, while others are hit", pastRescue.Seconds()), nil
}

// wakeNow wakes a process that sleeps, since it is to be asked for something.
func (w *world) wakeNow(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, asleep := w.asleep[name]; asleep {
		delete(w.asleep, name)
		_ = w.Service(name).Now.Continue() // an error: it was killed
		w.log.say("       %s is woken", name)
	}
}

func cut(ctx context.Context, w *world, f fault) (string, error) {
	w.proxies.cut(f.victim)
	testbed.Pause(ctx, f.length)
	return fmt.Sprintf("no way to PostgreSQL for %.1f s", f.length.Seconds()), w.proxies.restore(ctx, f.victim)
}

func cutKafka(ctx context.Context, w *world, f fault) (string, error) {
	length := f.length * time.Duration(1+f.pick%4)
	w.proxies.cut(testbed.Kafka)
	testbed.Pause(ctx, length)
	return fmt.Sprintf("no way to Kafka for %.1f s", length.Seconds()), w.proxies.restore(ctx, testbed.Kafka)
}

func cutMoney(ctx context.Context, w *world, f fault) (string, error) {
	length := f.length * time.Duration(1+f.pick%4)
	w.proxies.cut(testbed.Ledger)
	testbed.Pause(ctx, length)
	return fmt.Sprintf("no way to the ledger for %.1f s", length.Seconds()), w.proxies.restore(ctx, testbed.Ledger)
}

func slow(ctx context.Context, w *world, f fault) (string, error) {
	ms := int64(10 + f.pick%90)
	return w.spoilFor(ctx, f.victim, latency, map[string]int64{"latency": ms, "jitter": ms / 2}, 2*f.length,
		fmt.Sprintf("PostgreSQL answers %d ms late", ms))
}

func slowKafka(ctx context.Context, w *world, f fault) (string, error) {
	ms := int64(20 + f.pick%180)
	return w.spoilFor(ctx, testbed.Kafka, latency, map[string]int64{"latency": ms, "jitter": ms / 2}, 2*f.length,
		fmt.Sprintf("Kafka answers %d ms late", ms))
}

func slowMoney(ctx context.Context, w *world, f fault) (string, error) {
	ms := int64(50 + f.pick%950)
	return w.spoilFor(ctx, testbed.Ledger, latency, map[string]int64{"latency": ms, "jitter": ms / 2}, 2*f.length,
		fmt.Sprintf("the ledger answers %d ms late", ms))
}

func silent(ctx context.Context, w *world, f fault) (string, error) {
	return w.spoilFor(ctx, f.victim, silence, map[string]int64{"timeout": 0}, time.Duration(1+f.pick%5)*f.length,
		"connections to PostgreSQL are open, and nothing comes")
}

func loseAnswers(ctx context.Context, w *world, f fault) (string, error) {
	every := int64(1 + f.pick%6)
	return w.spoilFor(ctx, f.victim, commitLoser, map[string]int64{"every": every}, 2*f.length,
		fmt.Sprintf("of each connection one in %d answers to COMMIT is lost", every))
}

// spoilFor spoils the way of a process to its server for a while.
func (w *world) spoilFor(ctx context.Context, name, what string, attributes map[string]int64, length time.Duration,
	said string,
) (string, error) {
	if err := w.proxies.spoil(name, what, attributes); err != nil {
		return "", err
	}
	testbed.Pause(ctx, length)
	return fmt.Sprintf("%s, for %.1f s", said, length.Seconds()), w.proxies.restore(ctx, name)
}

// spoilLedger starts a process whose ledger misbehaves until it is hit again: a handler with the ledger inside, or the
// ledger.
func spoilLedger(ctx context.Context, w *world, f fault) (string, error) {
	l := ledgers[f.pick%uint64(len(ledgers))]
	defer w.recoveries.watch(ctx)(time.Now())
	w.Service(f.victim).Kill()
	w.forget(f.victim)
	w.ruled[f.victim] = true
	if err := w.startWith(ctx, f.victim, l.rules); err != nil {
		return "", err
	}
	testbed.Pause(ctx, spoils)
	return "killed; from now on its ledger is " + l.name, nil
}

func again(ctx context.Context, w *world, f fault) (string, error) {
	topic := w.topics.names[f.pick%uint64(len(w.topics.names))]
	n, err := w.topics.again(ctx, topic)
	return fmt.Sprintf("%d messages of %s once more", n, topic), err
}

func rubbish(_ context.Context, w *world, f fault) (string, error) {
	n, err := w.topics.rubbish(rand.New(rand.NewPCG(f.pick, 1)))
	return fmt.Sprintf("%d messages of rubbish in every topic", n), err
}
