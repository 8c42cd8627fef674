package main

import (
	"math/rand/v2"
	"time"
)

// victim says who is killed.
type victim int

// The victims. Relays and handlers are two each, of which one is killed.
const (
	relay victim = iota
	handler
	everything // every process of bestow, at once
	postgres   // the postmaster; its children see that and end
	broker     // of the real Kafka, the leader of a partition; only where there are three
	victims    // how many there are
)

// String is the victim's name in the report.
func (v victim) String() string {
	return [...]string{"relay", "handler", "everything", "postgresql", "broker", "all"}[v]
}

// The bounds of what a seed chooses.
const (
	earliest = 0.10 // how much of the event is done at the kill
	latest   = 0.70
	maxPause = 2 * time.Second // how long the victim stays dead

	partitions = 8 // of a topic, bestow's own default
)

// round is one kill.
type round struct {
	number  int // from 1
	victim  victim
	which   int     // of the two relays or handlers: 0 or 1
	voucher bool    // the event grants vouchers, not points
	at      float64 // how much of the event is done at the kill, at least
	publish bool    // done means published, which comes first; else granted
	pause   time.Duration
	part    int32 // the partition whose leader is killed, where the victim is a broker
}

// makePlan chooses the rounds of a run from its seed. As many rounds in a row as there are victims kill each once, in
// an order of their own: four, and five where there are three brokers; every third event grants vouchers. A relay is
// killed while it publishes and a handler while it grants, the others at either.
func makePlan(seed uint64, times, brokers int) []round {
	kinds := int(broker)
	if brokers == 3 {
		kinds++
	}
	random := rand.New(rand.NewPCG(seed, 0))
	rounds := make([]round, times)
	var order []int
	for i := range rounds {
		if i%kinds == 0 {
			order = random.Perm(kinds)
		}
		who := victim(order[i%kinds])
		rounds[i] = round{
			number:  i + 1,
			victim:  who,
			which:   random.IntN(2),
			voucher: i%3 == 2,
			at:      earliest + random.Float64()*(latest-earliest)*0.8, // not so late that the next look is past the end
			publish: random.IntN(2) == 0 && who != handler || who == relay,
			pause:   time.Duration(random.Int64N(int64(maxPause))),
		}
		if who == broker {
			rounds[i].part = random.Int32N(partitions)
		}
	}
	return rounds
}

// eventType is the type of the round's event.
func (r round) eventType() string {
	if r.voucher {
		return "VOUCHER"
	}
	return "POINT"
}
