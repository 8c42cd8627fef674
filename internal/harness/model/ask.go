package main

// handlerSteps returns what a handler that has taken a message may do next, or have done to it.
func (x *explorer) handlerSteps(i int) {
	h := x.from.handlers[i]
	switch h.phase {
	case handlerIdle:
	case opening:
		x.claim(i, h.message)
	case claiming:
		x.giveBack(i, h)
		if !h.expired || x.lacks(askAfterLease) {
			x.ask(i, h)
			x.askPart(i, h)
		}
	case isolating:
		x.isolate(i, h)
	case unmarking:
		x.unmark(i, h)
	case answering:
		x.answered(i, h)
	case returning:
		x.returnRest(i, h)
	case lookingUp:
		x.lookedUp(i, h)
	}
	x.handlerDies(i, h)
	x.leaseEnds(i, h)
}

// answered returns what a handler may do with the ledger's answers, or with a call that failed.
func (x *explorer) answered(i int, h handler) {
	if h.inPart() {
		x.settlePart(i, h)
		x.settlingFails(i, h)
		return
	}
	x.settle(i, h)
	x.callFails(i, h)
}

// lookedUp returns what a handler does with what a look-up found.
func (x *explorer) lookedUp(i int, h handler) {
	if h.inPart() {
		x.settleFoundPart(i, h)
		return
	}
	x.settleFound(i, h)
}

// leaseEnds ends the lease of a claim that is not the chunk's newest; that one's ends with open_until.
func (x *explorer) leaseEnds(i int, h handler) {
	k := &x.from.chunks[h.message.chunk()]
	if !h.mayAsk() || h.expired || int(k.newest) == i+1 || k.ranOut {
		return
	}
	t := *x.from
	t.handlers[i].expired = true
	x.put(&t, normal, "the lease of handler %d's claim runs out", i)
}

// ask is T5: one call for all that the claim admitted, with a deadline before the claim's lease ends (Grants.grant).
func (x *explorer) ask(i int, h handler) {
	c := h.message.chunk()
	for _, a := range x.mayAnswer(h.admitted, c, 0) {
		for _, b := range x.mayAnswer(h.admitted, c, 1) {
			t := *x.from
			how, fresh := normal, false
			if h.expired {
				how = accident
			}
			for j, said := range [2]answer{a, b} {
				class, applied := x.apply(&t.members[2*c+j], said, h.admitted.entry(j))
				how, fresh = how|class, fresh || applied
			}
			t.handlers[i].phase = answering
			t.handlers[i].answers = [2]answer{a, b}
			broke := noInvariant
			if fresh {
				broke = t.tooLate()
			}
			x.putBroken(&t, how, broke, "the ledger answers handler %d: a %s, b %s", i, a, b)
		}
	}
}

// tooLate returns what a grant breaks that begins now.
func (s *state) tooLate() invariant {
	switch {
	case s.answered:
		return nothingAfterStop
	case s.brake == answered:
		return nothingAfterBrake
	}
	return noInvariant
}

// mayAnswer lists what the ledger may say of member j. What it has under the key it says again, and nothing else.
func (x *explorer) mayAnswer(admitted message, c, j int) []answer {
	if admitted.entry(j) == 0 {
		return []answer{none}
	}
	if x.contradicts && j == 0 {
		return []answer{contradicted}
	}
	has := x.from.members[2*c+j].ledger
	var list []answer
	for v := granted; v <= unknownLate; v++ {
		if x.answers.has(v) && (!has || v == granted || v == unknown) {
			list = append(list, v)
		}
	}
	return list
}

// apply does to the ledger what the answer says; applied means that it has a new row.
func (x *explorer) apply(m *member, said answer, asked entry) (how class, applied bool) {
	switch said {
	case none, contradicted, notReached, cutOff:
	case granted, unknownDone:
		if said == unknownDone {
			how = noAnswer
		}
		if !m.ledger {
			m.ledger = true
			return how | newGrant, true
		}
	case unknown:
		how = noAnswer
	case unknownLate:
		how, m.late = noAnswer, true
	case refused, refusedGood:
		how = refusal
		if x.countTries && !asked.isRedrive() {
			m.refusedTries |= 1 << asked.try()
		}
	}
	return how, false
}

// giveBack is release: nothing was asked, or nothing was applied and nothing will be. The mark of a member that was
// asked for by itself goes with it, in the same transaction; the message comes again.
func (x *explorer) giveBack(i int, h handler) {
	t := *x.from
	c := h.message.chunk()
	own := h.own || x.lacks(claimsCounted)
	if k := &t.chunks[c]; own {
		k.attempts -= min(k.attempts, 1)
	}
	marked := false
	for j := range 2 {
		if m := &t.members[2*c+j]; h.admitted.entry(j) != 0 && m.mark == isAsked {
			m.mark, marked = x.markGivenBack(), true
		}
	}
	t.close(c, i, h.own, x.lacks(claimsCounted))
	if h.own && h.inherits && !x.lacks(releaseForgets|claimsCounted) { // left as it was found: a claim that ran out
		t.chunks[c].open, t.chunks[c].ranOut = 1, true
	}
	t.handlers[i] = handler{}
	if marked && x.lacks(releaseThenUnmark) {
		t.handlers[i] = handler{phase: unmarking, message: h.message, admitted: h.admitted}
	}
	x.put(&t, normal, "handler %d gives its claim back", i)
}

// callFails is uncount: the whole call ended in an error, and it is not known what was applied. The claim stays open to
// its lease, the message comes again, and a mark goes: the process lives.
func (x *explorer) callFails(i int, h handler) {
	c := h.message.chunk()
	t := *x.from
	for j, said := range h.answers {
		if said == granted || said == refused || said == refusedGood || said == contradicted {
			return
		}
		if m := &t.members[2*c+j]; h.admitted.entry(j) != 0 && m.mark == isAsked {
			m.mark = x.markGivenBack()
		}
	}
	x.uncount(&t, c, i, h)
	x.put(&t, normal, "handler %d's call fails, its claim stays open to its lease", i)
}

// uncount takes the claim off the chunk's attempts.
func (x *explorer) uncount(t *state, c, i int, h handler) {
	if k := &t.chunks[c]; (h.own || x.lacks(claimsCounted)) && !x.lacks(errorCounts) {
		k.attempts -= min(k.attempts, 1)
	}
	if x.lacks(errorCloses) {
		t.close(c, i, h.own, x.lacks(claimsCounted))
	}
	if int(t.chunks[c].newest) == i+1 {
		t.chunks[c].newest = 0
	}
	t.handlers[i] = handler{}
}

func (x *explorer) markGivenBack() mark {
	if x.lacks(markStays | releaseThenUnmark) {
		return leftBehind
	}
	return unmarked
}

// close closes the claim by its own token. A claim that was taken over is not the handler's to close.
func (s *state) close(c, i int, own, counted bool) {
	k := &s.chunks[c]
	switch {
	case counted:
		k.open -= min(k.open, 1)
	case own:
		k.open = 0
	}
	if int(k.newest) == i+1 {
		k.newest = 0
	}
}

// handlerDies ends a handler. A member that it asked for alone is found so.
func (x *explorer) handlerDies(i int, h handler) {
	if x.from.left.handlerKills == 0 {
		return
	}
	t := *x.from
	t.left.handlerKills--
	t.handlers[i] = handler{}
	c := h.message.chunk()
	if k := &t.chunks[c]; x.isolateAfter > 0 && h.own && h.phase != lookingUp {
		k.lost = min(k.lost+1, uint8(x.isolateAfter)+1)
	}
	for j := range 2 {
		if m := &t.members[2*c+j]; (h.phase == claiming || h.phase == answering) && h.admitted.entry(j) != 0 &&
			m.mark == isAsked {
			m.mark = diedAsking
		}
	}
	if int(t.chunks[c].newest) == i+1 {
		t.chunks[c].newest = 0
	}
	x.put(&t, accident, "handler %d is killed", i)
}

// time returns what happens by waiting: the chunk's open_until passes, and a request that was given up arrives.
func (x *explorer) time(c int) {
	if k := &x.from.chunks[c]; !k.ranOut && (k.open > 0 || x.from.mayAsk(c) || x.awaitsLate(x.from, c)) {
		x.runOut(c)
	}
	for j := range 2 {
		if x.from.members[2*c+j].late {
			x.arrive(c, j)
		}
	}
}

// runOut passes open_until. What was asked for under the claim is dropped by the ledger from now on (T5).
func (x *explorer) runOut(c int) {
	t := *x.from
	t.chunks[c].ranOut = true
	for i := range t.handlers {
		if h := &t.handlers[i]; h.on(c) && h.phase != opening && h.phase != lookingUp && h.phase != unmarking {
			h.expired = true
		}
	}
	if !x.lacks(noDeadline) {
		t.members[2*c].late, t.members[2*c+1].late = false, false
	}
	x.put(&t, normal, "open_until of chunk %d passes", c)
}

// arrive applies a request that was still on its way.
func (x *explorer) arrive(c, j int) {
	t := *x.from
	m := &t.members[2*c+j]
	how, broke := accident, noInvariant
	if !m.ledger {
		how |= newGrant
		broke = t.tooLate()
	}
	m.late, m.ledger = false, true
	x.putBroken(&t, how, broke, "the ledger applies the late request for %c of chunk %d", 'a'+j, c)
}

// losses is Kafka losing what it acknowledged.
func (x *explorer) losses() {
	if x.from.left.lostMessages == 0 {
		return
	}
	for _, m := range x.from.kafka {
		if m != 0 {
			t := *x.from
			t.left.lostMessages--
			t.take(m)
			x.put(&t, accident, "Kafka loses %s", m)
		}
	}
}
