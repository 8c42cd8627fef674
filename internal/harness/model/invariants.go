package main

// invariant names what must hold. S are about every state or step, L about what is always still possible.
type invariant string

// The invariants. An accident is a process killed or paused, an ack or a message lost, or a stop.
const (
	noInvariant       invariant = ""
	successInLedger   invariant = "S1 SUCCESS is in the ledger"
	countersRight     invariant = "S2 the summary equals a recount"
	givenUpNotGranted invariant = "S3 what was given up, and never redriven, is not in the ledger"
	nothingAfterStop  invariant = "S4 no grant begins after a stop's 200"
	nothingAfterBrake invariant = "S4 no grant begins after a brake's 200"
	brakedStands      invariant = "S4 no event runs after a brake's 200, until it is released"
	completedIsDone   invariant = "S5 COMPLETED: every target is final and published"
	completedStays    invariant = "S5 a COMPLETED event changes by redrives only"
	triesCounted      invariant = "S6 retry_count counts each refused try once, and no more than limit+1"
	settledRight      invariant = "S6 settled_count is the number of final rows"
	claimSeen         invariant = "S6 who may still ask has a claim that is open"
	onlyDeathRefuses  invariant = "S6 an isolated member is refused only if who asked for it died, " +
		"or outlived its lease"
	grantedIsSettled  invariant = "S7 a stopped event drops no message of what was granted and is not settled"
	livesAreNotDeaths invariant = "S6 claims are counted only that did not come back, and one that is open"
	resumedWhole      invariant = "S8 a resume leaves no member whom no job publishes, " +
		"no message names and no handler asks for"
	completes        invariant = "L1 COMPLETED can be reached with no accident and no person but a resume"
	completesRefused invariant = "L1 the same, if the ledger only refuses from now on"
	completesGranted invariant = "L1 the same, if the ledger only grants from now on"
	redriveAnswered  invariant = "L2 an open redrive is answered with no accident and no person"
	givenUpRepaired  invariant = "S3 what was given up and is in the ledger becomes SUCCESS with no accident " +
		"and no redrive"
)

// check calls broke for each invariant that s breaks.
func (c config) check(s *state, broke func(invariant)) {
	c.checkMembers(s, broke)
	c.checkChunks(s, broke)
	if c.recount(s) != s.summary {
		broke(countersRight)
	}
	if s.brake == answered && s.event == running {
		broke(brakedStands)
	}
	n := uint8(2 * c.chunks)
	if s.event == completed && (s.summary.success+s.summary.fail != n || s.summary.published != n) {
		broke(completedIsDone)
	}
}

func (c config) checkMembers(s *state, broke func(invariant)) {
	for i := range 2 * c.chunks {
		m := &s.members[i]
		if m.status == success && !m.ledger {
			broke(successInLedger)
		}
		if m.status == permanentlyFailed && m.ledger && m.redrive == 0 {
			broke(givenUpNotGranted)
		}
		counted := uint8(1)<<m.retryCount - 1
		if int(m.retryCount) > c.retries+1 || c.countTries && m.refusedTries&counted != counted {
			broke(triesCounted)
		}
	}
}

func (c config) checkChunks(s *state, broke func(invariant)) {
	for i := range c.chunks {
		k := &s.chunks[i]
		if k.settled != bit(final(s.members[2*i].status), 0)+bit(final(s.members[2*i+1].status), 0) {
			broke(settledRight)
		}
		if lost := k.lost + bit(s.held(i), 0); c.isolateAfter > 0 &&
			!c.lacks(claimsCounted|claimOverOpen|settleAnyToken) && k.attempts > lost {
			broke(livesAreNotDeaths)
		}
		if s.mayAsk(i) && !k.claimed() {
			broke(claimSeen)
		}
	}
}

// forgotten returns what a resume breaks that leaves a member of a published chunk to the reconcile: not final, and
// there is no job that would publish it, no message and no claim.
func (c config) forgotten(s *state) invariant {
	for i := range 2 * c.chunks {
		m, k := &s.members[i], &s.chunks[i/2]
		if !final(m.status) && k.published && !k.claimed() && !s.inKafka(i/2) && !s.jobs(i/2).publish(m) {
			return resumedWhole
		}
	}
	return noInvariant
}

// publish reports whether one of the modes publishes an open member of a marked chunk.
func (s modes) publish(m *member) bool {
	return s.has(unsettled) || m.status == failed && s.has(retryAt(m.retryCount)) || m.status != failed && s.has(again)
}

// recount returns what the summary should be.
func (c config) recount(s *state) (n summary) {
	for i := range 2 * c.chunks {
		switch m := &s.members[i]; {
		case m.status == success && m.retryCount > 0:
			n.success++
			n.retrySuccess++
		case m.status == success:
			n.success++
		case m.status == permanentlyFailed:
			n.fail++
		}
	}
	for i := range c.chunks {
		n.published += 2 * bit(s.chunks[i].marked, 0)
	}
	return n
}

// promise is an invariant of the kind: from every state the goal can be reached by steps of other classes than these.
type promise struct {
	name    invariant
	goal    func(*state) bool
	without class
}

// promises are those that mean something in the run.
func (c config) promises() []promise {
	list := []promise{{completes, isCompleted, accident | person}}
	if c.answers.has(refused) || c.answers.has(refusedGood) {
		list = append(list, promise{completesRefused, isCompleted, accident | person | newGrant | noAnswer})
	}
	list = append(list,
		promise{completesGranted, isCompleted, accident | person | refusal | noAnswer},
		promise{givenUpRepaired, c.noneGivenUpGranted, accident | person})
	if c.may.redrives > 0 {
		list = append(list, promise{redriveAnswered, c.noRedriveOpen, accident | person})
	}
	return list
}

func isCompleted(s *state) bool { return s.event == completed }

func (c config) noneGivenUpGranted(s *state) bool {
	for i := range 2 * c.chunks {
		if m := &s.members[i]; m.status == permanentlyFailed && m.ledger {
			return false
		}
	}
	return true
}

func (c config) noRedriveOpen(s *state) bool {
	for i := range c.chunks {
		if s.redriveOpen(i) {
			return false
		}
	}
	return s.event != stopped && s.event != notStarted
}
