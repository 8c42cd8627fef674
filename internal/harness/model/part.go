package main

// inPart reports whether the ledger answered the handler for one member of two.
func (h *handler) inPart() bool { return h.answers[0].ofRest() || h.answers[1].ofRest() }

// askPart is T5 where the ledger takes fewer members in a call than the chunk has: it answers for one, and of the other
// it was not asked, or the call for it failed.
func (x *explorer) askPart(i int, h handler) {
	c := h.message.chunk()
	if !x.parts || h.admitted.entry(0) == 0 || h.admitted.entry(1) == 0 {
		return
	}
	for rest := range 2 {
		for _, said := range x.mayAnswer(h.admitted, c, 1-rest) {
			for _, became := range append([]answer{notReached}, x.mayAnswer(h.admitted, c, rest)...) {
				if became == notReached || became == unknown || became == unknownDone || became == unknownLate {
					x.answerPart(i, h, rest, said, became)
				}
			}
		}
	}
}

// answerPart lets the ledger say something of one member; became says what became of the other.
func (x *explorer) answerPart(i int, h handler, rest int, said, became answer) {
	c := h.message.chunk()
	t := *x.from
	how, fresh := x.apply(&t.members[2*c+1-rest], said, h.admitted.entry(1-rest))
	class, applied := x.apply(&t.members[2*c+rest], became, h.admitted.entry(rest))
	if h.expired {
		how |= accident
	}
	broke := noInvariant
	if fresh || applied {
		broke = t.tooLate()
	}
	t.handlers[i].phase = answering
	t.handlers[i].answers[1-rest], t.handlers[i].answers[rest] = said, cutOff
	if became == notReached {
		t.handlers[i].answers[rest] = notReached
	}
	x.putBroken(&t, how|class, broke, "the ledger answers handler %d for %c alone: %s; the other was %s", i, 'b'-rest,
		said, became)
}

// settlePart is T6 of the part that was answered (settleFirstOf). The claim is given back in a transaction of its own.
func (x *explorer) settlePart(i int, h handler) {
	t := *x.from
	ch, broke := x.settleRows(&t, h)
	x.settleChunk(&t, h, ch)
	if x.lacks(partCloses) {
		x.endClaim(&t, i, h, ch)
	}
	if x.lacks(partAcks) {
		t.take(h.message)
	}
	back := &t.handlers[i]
	back.phase = returning
	keep := (ch.unknown || ch.redrives) && !x.lacks(partUnknownReturns)
	for j, said := range h.answers {
		switch {
		case !said.ofRest():
			back.answers[j] = none
		case keep:
			back.answers[j] = cutOff // what it is of no longer matters: something may have been applied
		}
	}
	x.putBroken(&t, normal, broke, "handler %d settles the part that was answered", i)
}

// settlingFails leaves everything but the handler: the claim stays open to its lease, since something may have been
// applied.
func (x *explorer) settlingFails(i int, h handler) {
	t := *x.from
	x.uncount(&t, h.message.chunk(), i, h)
	x.put(&t, normal, "handler %d cannot settle the part, its claim stays open to its lease", i)
}

// returnRest gives the claim back after a part was settled: closed if nothing more can have been applied under it.
func (x *explorer) returnRest(i int, h handler) {
	if h.answers[0] != cutOff && h.answers[1] != cutOff {
		x.giveBack(i, h)
		return
	}
	t := *x.from
	x.uncount(&t, h.message.chunk(), i, h)
	x.put(&t, normal, "handler %d's claim stays open to its lease, for the part that was not answered", i)
}

// settleFoundPart is settleFound of a look-up that came to no end (settleLookedUp): the claim stays as it is, and the
// message comes again.
func (x *explorer) settleFoundPart(i int, h handler) {
	t := *x.from
	c := h.message.chunk()
	x.settleGranted(&t, h)
	for j, said := range h.answers {
		if said == none && h.own {
			t.chunks[c].absent[j] = true
		}
	}
	if x.lacks(lookupCloses) {
		t.close(c, i, h.own, x.lacks(claimsCounted))
	}
	t.handlers[i] = handler{}
	x.put(&t, normal, "handler %d settles the part that was looked up", i)
}

// unsettled returns what is broken if h closes its claim that ran out now: something that was granted under it is not
// settled.
func (s *state) unsettled(h handler) invariant {
	c := h.message.chunk()
	for j := range 2 {
		if m := &s.members[2*c+j]; h.own && h.admitted.entry(j) != 0 && m.ledger && m.status != success {
			return grantedIsSettled
		}
	}
	return noInvariant
}
