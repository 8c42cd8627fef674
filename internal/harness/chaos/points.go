package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"bestow/internal/failpoint"
	"bestow/internal/harness/testbed"
)

// diesAt are the places at which a process can be killed under this load, by the beginning of its name. A test asserts
// that each place of the code stands here, or has a reason why not.
var diesAt = map[string][]string{
	"api": {
		failpoint.CreateBeforeCommit, failpoint.CreateAfterCommit, failpoint.ImportStageMade, failpoint.ImportStaged,
		failpoint.ImportIDsReserved, failpoint.ImportTargets, failpoint.ImportChunks, failpoint.ImportJobs,
		failpoint.ImportBeforeCommit, failpoint.ImportAfterCommit, failpoint.EditBeforeCommit,
		failpoint.EditAfterCommit,
		failpoint.StartBeforeCommit, failpoint.StartAfterCommit, failpoint.StopBeforeCommit, failpoint.StopAfterCommit,
		failpoint.StopBeforeDrain, failpoint.ResumeBeforeCommit, failpoint.ResumeAfterCommit,
		failpoint.RedriveBeforeCommit,
		failpoint.RedriveAfterCommit, failpoint.ForwardBeforeCommit, failpoint.RetryAfterCommit,
	},
	"relay": {
		failpoint.RelayRead, failpoint.RelayBetween, failpoint.RelayAfterAck, failpoint.RelayBeforeCommit,
		failpoint.RelayAfterCommit,
		failpoint.RelayHandedOn, failpoint.RelayAskedAgain,
	},
	"handler": {
		failpoint.ClaimBeforeCommit, failpoint.ClaimAfterCommit, failpoint.MoneyAfterGrant, failpoint.SettleKeyStored,
		failpoint.SettleFirstInserted, failpoint.SettleFirstClosed, failpoint.SettleLocked, failpoint.SettleInserted,
		failpoint.SettleUpdated, failpoint.SettleClosed, failpoint.SettleRetryMade, failpoint.SettleBeforeCommit,
		failpoint.SettleAfterCommit, failpoint.CloseBeforeCommit, failpoint.CloseAfterCommit,
		failpoint.HandledBeforeAck,
		failpoint.ParkBeforeCommit, failpoint.ParkAfterCommit, failpoint.IsolatedMarked, failpoint.IsolatedSettled,
	},
	withLedger: append([]string{failpoint.LapsedAfterCommit, failpoint.LookedUp, failpoint.GiveBackAfterCommit},
		inLedger...),
	ledger: inLedger,
	"jobs": {
		failpoint.StartDueBetween, failpoint.MomentAfterCommit, failpoint.ReconcileAfter, failpoint.CloseDoneBetween,
		failpoint.CloseBeforeCommit, failpoint.CloseAfterCommit,
	},
}

// inLedger are the places of the ledger that a grant passes.
var inLedger = []string{
	failpoint.MoneyKeyStored, failpoint.MoneyLooked, failpoint.MoneyPointsWritten, failpoint.MoneyVouchersWritten,
	failpoint.MoneyBeforeCommit, failpoint.MoneyPointsCommitted, failpoint.MoneyVouchersCommitted,
}

// leads are rules that bring a process to a place, beside what the operators do.
var leads = map[string]string{
	failpoint.RelayHandedOn:       failpoint.RelayBetween + "=error%3",      // Kafka takes no more in the middle of a job
	failpoint.RelayAskedAgain:     failpoint.RelayAfterAck + "=delay:1s",    // a stop overtakes the relay
	failpoint.GiveBackAfterCommit: failpoint.MoneyBeforeCommit + "=error%2", // the ledger fails
	failpoint.LapsedAfterCommit:   unheard,
	failpoint.LookedUp:            unheard,
}

// unheard is a ledger that applies and then fails: a stop leaves open what was asked of it.
const unheard = failpoint.MoneyPointsCommitted + "=error%2;" + failpoint.MoneyVouchersCommitted + "=error%2"

const (
	// meets is the time that a process may take until it comes to the place where it is to die.
	meets = 9 * time.Second
	// meetsTick is the same where the timetable brings it there: what is due each 5 s, and one of two processes works
	// it.
	meetsTick = 11 * time.Second
	// meetsLongTick is the same for what is due each 30 s.
	meetsLongTick = 32 * time.Second
	// meetsLate is the same where a claim's lease of 15 s must end before, or an event be complete.
	meetsLate = 20 * time.Second
)

// within returns how long a process may take until it comes to a place.
func within(p place) time.Duration {
	switch p.point {
	case failpoint.MomentAfterCommit, failpoint.ReconcileAfter:
		return meetsLongTick
	case failpoint.LapsedAfterCommit, failpoint.LookedUp, failpoint.RedriveBeforeCommit, failpoint.RedriveAfterCommit,
		failpoint.ForwardBeforeCommit, failpoint.RetryAfterCommit:
		return meetsLate
	}
	if p.process == "jobs" {
		return meetsTick
	}
	return meets
}

// place says where a process whose name begins so can be killed.
type place struct{ process, point string }

// places are all of them.
func places() (all []place) {
	for _, process := range slices.Sorted(maps.Keys(diesAt)) {
		for _, point := range diesAt[process] {
			all = append(all, place{process, point})
		}
	}
	return all
}

// countPoints returns how many different places of the code there are: two roles may come to one.
func countPoints() int {
	all := map[string]bool{}
	for _, p := range places() {
		all[p.point] = true
	}
	return len(all)
}

// deal takes a place from the deck: each comes once before any comes again.
func (p *planner) deal() place {
	if len(p.deck) == 0 {
		for _, each := range places() {
			if p.o.soak == 0 || each.process != "api" && each.process != withLedger { // a soak does not hit these
				p.deck = append(p.deck, each)
			}
		}
		p.random.Shuffle(len(p.deck), func(i, j int) { p.deck[i], p.deck[j] = p.deck[j], p.deck[i] })
	}
	next := p.deck[0]
	p.deck = p.deck[1:]
	return next
}

// lead lets happen what brings a process to the place where it is to die, whatever the operators wait for at the
// moment.
func (w *world) lead(ctx context.Context, f fault) error {
	p := w.Service(f.victim)
	limited, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	err := testbed.Poll(limited, testbed.Interval, func() (bool, error) {
		select {
		case <-p.Now.Done(): // it has come there already
			return true, nil
		default:
			return w.IsReady(limited, p), nil
		}
	})
	if err != nil {
		return fmt.Errorf("wait for %s: %w", p.Name, err)
	}
	random := rand.New(rand.NewPCG(f.pick, 2))
	name := fmt.Sprintf("chaos-errand-%d", f.pick)
	switch point := f.place.point; point {
	case failpoint.ParkBeforeCommit, failpoint.ParkAfterCommit:
		_, err = w.topics.rubbish(random)
	case failpoint.StartDueBetween:
		w.load.errand(func(ctx context.Context) error { return w.load.lane(ctx, planLane(random, name), 0) })
	default:
		c := planErrand(random, name)
		if point == failpoint.SettleKeyStored || strings.HasPrefix(point, "money.") {
			c.voucher = !slices.Contains([]string{failpoint.MoneyPointsWritten, failpoint.MoneyPointsCommitted}, point)
		}
		w.load.errand(func(ctx context.Context) error { return w.load.everything(ctx, c) })
	}
	return err
}

// ledgers are the ways in which the ledger in a handler misbehaves, as rules of failpoints.
var ledgers = []struct{ name, rules string }{
	{"slow", failpoint.MoneyBeforeCommit + "=delay:700ms%2"},
	{"silent", failpoint.MoneyBeforeCommit + "=delay:15s%6"},
	{"failing", failpoint.MoneyBeforeCommit + "=error%3"},
	{"applies, and is silent", failpoint.MoneyPointsCommitted + "=delay:15s%5;" + failpoint.MoneyVouchersCommitted + "=delay:15s%5"},
	{"applies, and says that it failed", failpoint.MoneyPointsCommitted + "=error%3;" + failpoint.MoneyVouchersCommitted + "=error%3"},
}
