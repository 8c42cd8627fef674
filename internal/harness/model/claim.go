package main

// deliveries is T4 for every message that is in Kafka, by a handler that has nothing to do (app.Grants.claim).
func (x *explorer) deliveries() {
	for i := range x.from.handlers {
		if x.from.handlers[i].phase != handlerIdle {
			continue
		}
		for _, m := range x.from.kafka {
			switch {
			case m == 0 || x.from.moving: // who moves the event has the gate
			case x.from.event == stopped || x.braked():
				x.atRest(i, m)
			case x.mayBrake():
				x.meet(i, m)
			default:
				x.claim(i, m)
			}
		}
		return // idle handlers are alike
	}
}

// atRest is atRest: a message of a stopped or braked event waits for an open claim, and settles by the ledger's lookup
// what a claim that ran out may have granted. Nothing is asked for; a resume publishes it again.
func (x *explorer) atRest(i int, m message) {
	c := m.chunk()
	k := &x.from.chunks[c]
	if k.claimed() {
		return // ErrBusy
	}
	t := *x.from
	e, found, dropped := x.notGranted(m)
	if k.open == 0 || e == [2]entry{} {
		t.take(m)
		broke := noInvariant
		if dropped && (x.open == 1 || x.retries == 0) { // a retry of one member may have closed the claim of both
			broke = grantedIsSettled
		}
		x.putBroken(&t, normal, broke, "handler %d acks %s: the event is %s%s", i, m, eventNames[t.event],
			brakeNames[t.brake])
		return
	}
	t.handlers[i] = handler{
		phase: lookingUp, message: m, admitted: newMessage(c, e[0], e[1]), answers: found,
		own: true,
	}
	x.put(&t, normal, "handler %d gets %s at rest, a claim ran out, the ledger says a %s, b %s", i, m, found[0],
		found[1])
	x.lookUpPart(&t, i, e)
}

// notGranted returns the entries of m whose rows are not SUCCESS, what a look-up of them finds, and whether something
// of them was granted.
func (x *explorer) notGranted(m message) (e [2]entry, found [2]answer, unsettled bool) {
	c := m.chunk()
	for j := range e {
		w := &x.from.members[2*c+j]
		if m.entry(j) == 0 || w.status == success {
			continue
		}
		e[j] = m.entry(j)
		unsettled = unsettled || w.ledger
		if w.ledger && !x.from.chunks[c].absent[j] {
			found[j] = granted
		}
	}
	return e, found, unsettled
}

// lookUpPart is the same of a look-up that comes to no end: of one of two members it is found out whether the ledger
// has the grant. A member that was found not to have one is not looked up again.
func (x *explorer) lookUpPart(t *state, i int, e [2]entry) {
	h := &t.handlers[i]
	found, absent := h.answers, t.chunks[h.message.chunk()].absent
	if !x.parts || e[0] == 0 || e[1] == 0 || absent != [2]bool{} {
		return
	}
	for rest := range 2 {
		part := *t
		part.handlers[i].answers[rest] = notReached
		x.put(&part, normal, "handler %d gets %s at rest, a claim ran out, the ledger says %c %s, and no more", i,
			h.message, 'b'-rest, found[1-rest])
	}
}

// meet is T4 up to its look at the event and the brake, where a brake may come between that and its COMMIT.
func (x *explorer) meet(i int, m message) {
	t := *x.from
	t.handlers[i] = handler{phase: opening, message: m}
	x.put(&t, normal, "handler %d gets %s, and finds the event %s and no brake", i, m, eventNames[t.event])
}

// claim admits who still stands at the message's try, and takes the chunk's claim for them.
func (x *explorer) claim(i int, m message) {
	c := m.chunk()
	admitted := x.admit(m)
	t := *x.from
	t.handlers[i] = handler{}
	inherits := t.chunks[c].open > 0
	if admitted == 0 {
		t.take(m)
		x.put(&t, normal, "handler %d acks %s: no member of it is admitted", i, m)
		return
	}
	k := &t.chunks[c]
	if k.claimed() && !x.lacks(claimsCounted|claimOverOpen) { // ErrBusy
		if x.from.handlers[i].phase == opening {
			x.put(&t, normal, "handler %d gives %s back: a claim is open", i, m)
		}
		return
	}
	if x.lacks(claimsCounted) {
		k.open++
	} else {
		k.open = 1
	}
	t.loseClaim(c, x.isolateAfter)
	k.ranOut, k.newest = false, uint8(i+1)
	if !x.lacks(lookupRemembers) {
		k.absent = [2]bool{}
	}
	k.attempts = min(k.attempts+1, uint8(x.isolateAfter)+1)
	t.loseToken(c)
	t.handlers[i] = handler{phase: claiming, message: m, admitted: admitted, own: true, inherits: inherits}
	if x.suspicious(&t, c, admitted) {
		t.handlers[i].phase = isolating
		x.put(&t, normal, "handler %d claims %s, and works one member at a time", i, m)
		return
	}
	x.put(&t, normal, "handler %d claims %s for %s", i, m, admitted)
}

// admit asks the domain who of the message is still to be asked for: domain.Result.Admits.
func (x *explorer) admit(m message) message {
	var e [2]entry
	for j := range e {
		w := &x.from.members[2*m.chunk()+j]
		asked := m.entry(j)
		if asked == 0 {
			continue
		}
		row, g := w.row(), asked.grant()
		if x.lacks(triesIgnored) && !asked.isRedrive() {
			g.Try = row.RetryCount
		}
		if x.lacks(redriveOnce) {
			row.RedriveDone = 0
		}
		if row.Admits(g, x.from.event == running) {
			e[j] = asked
		}
	}
	return newMessage(m.chunk(), e[0], e[1])
}

// held reports whether a live handler has the chunk's token.
func (s *state) held(c int) bool {
	for i := range s.handlers {
		if h := &s.handlers[i]; h.on(c) && h.own && h.phase != lookingUp {
			return true
		}
	}
	return false
}

// loseClaim counts a claim that is taken from a live handler: it does not come back in time.
func (s *state) loseClaim(c, most int) {
	if k := &s.chunks[c]; s.held(c) {
		k.lost = min(k.lost+1, uint8(most)+1)
	}
}

// loseToken takes the chunk's token from all who have it.
func (s *state) loseToken(c int) {
	for i := range s.handlers {
		if s.handlers[i].on(c) {
			s.handlers[i].own = false
		}
	}
}

// suspicious reports whether something in the chunk seems to kill who asks for it, as claim.suspicious.
func (x *explorer) suspicious(t *state, c int, admitted message) bool {
	if x.isolateAfter == 0 {
		return false
	}
	for j := range 2 {
		if admitted.entry(j) != 0 && t.members[2*c+j].mark.isolated() {
			return true
		}
	}
	return int(t.chunks[c].attempts) > x.isolateAfter
}
