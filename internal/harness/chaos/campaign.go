package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"bestow/internal/picky"
)

const (
	// population is the number of members: each is in many events.
	population = 60_000
	// large is from how many members on an import gets a partition of its own.
	large = 100_000
)

// campaign is one event as an operator plans it, and the list that was uploaded: all that is kept of it outside.
type campaign struct {
	id      int64 // the event's
	name    string
	voucher bool
	first   int             // the first member's number
	members int             // how many there are
	salt    uint64          // of their amounts
	stops   []time.Duration // it is stopped so long after its start, and after each resume
	redrive bool            // a person asks again for those who were given up
}

// planCampaign chooses an event: a few thousand members, rarely very many.
func planCampaign(random *rand.Rand, name string) *campaign {
	c := &campaign{
		name: name, voucher: random.IntN(3) == 0, first: random.IntN(population), members: 200 + random.IntN(2_800),
		salt: random.Uint64(), redrive: random.IntN(2) == 0,
	}
	if random.IntN(3) == 0 {
		for range 1 + random.IntN(3) {
			c.stops = append(c.stops, time.Duration(random.Int64N(int64(1500*time.Millisecond))))
		}
	}
	if random.IntN(80) == 0 {
		c.members = large + random.IntN(5_000)
	}
	return c
}

// planErrand chooses an event with everything in it: a stop while it runs, which it does for as long as those who are
// refused at first wait, and a person who asks again.
func planErrand(random *rand.Rand, name string) *campaign {
	c := planCampaign(random, name)
	c.members, c.stops, c.redrive = 3_000, []time.Duration{100 * time.Millisecond}, true
	return c
}

// planLane chooses three events that run one after another.
func planLane(random *rand.Rand, name string) []*campaign {
	var list []*campaign
	for i := range 3 {
		c := planCampaign(random, fmt.Sprintf("%s-%d", name, i+1))
		c.members, c.stops = min(c.members, 2_000), nil
		list = append(list, c)
	}
	return list
}

func (c *campaign) eventType() string {
	if c.voucher {
		return "VOUCHER"
	}
	return "POINT"
}

// member is the id of the i-th member of the list. A list that is longer than the population goes on with new members.
func (c *campaign) member(i int) string {
	if c.members > population {
		return fmt.Sprintf("L%08d", c.first+i)
	}
	return fmt.Sprintf("M%08d", (c.first+i)%population)
}

// amount returns what the i-th member gets, in points; vouchers are worth as much.
func (c *campaign) amount(i int) int64 { return int64(1 + (c.salt+uint64(i)*2_654_435_761)%9_973) }

// list is the CSV of the members, written while it is read.
func (c *campaign) list() io.Reader {
	var b strings.Builder
	b.WriteString("member_id,amount\n")
	for i := range c.members {
		fmt.Fprintf(&b, "%s,%d\n", c.member(i), c.amount(i))
	}
	return strings.NewReader(b.String())
}

// The statuses of a result that are final.
const (
	success = "SUCCESS"
	givenUp = "PERMANENTLY_FAILED"
)

// entry holds what must have come of one member.
type entry struct {
	amount   int64
	status   string
	refusals int
}

// expected returns what must have come of each member, by the list and by who is refused alone.
func (c *campaign) expected() map[string]entry {
	all := make(map[string]entry, c.members)
	for i := range c.members {
		member := c.member(i)
		e := entry{amount: c.amount(i), status: success}
		switch picky.Of(member) {
		case picky.Easy:
		case picky.Busy:
			e.refusals = 1
		case picky.Closed:
			e.status, e.refusals = givenUp, 1
		case picky.Reopened:
			if e.refusals = 1; !c.redrive {
				e.status = givenUp
			}
		}
		all[member] = e
	}
	return all
}

// givenUpNow returns how many members must be given up when the event completes, before a person asks again.
func (c *campaign) givenUpNow() (n int) {
	for i := range c.members {
		if kind := picky.Of(c.member(i)); kind == picky.Closed || kind == picky.Reopened {
			n++
		}
	}
	return n
}

// granted returns how many must have been granted when everything is done.
func (c *campaign) granted() (n int) {
	for _, e := range c.expected() {
		if e.status == success {
			n++
		}
	}
	return n
}
