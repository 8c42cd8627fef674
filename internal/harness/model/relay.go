package main

// relaySteps is T3: from a job to Kafka (outbox/relay.go).
func (x *explorer) relaySteps() {
	idle := x.idleRelay()
	for c := range x.chunks {
		for m := range modeCount {
			if x.from.chunks[c].waiting.has(m) {
				x.fetch(c, m, idle)
			}
			if x.from.chunks[c].orphaned.has(m) {
				t := *x.from
				t.chunks[c].orphaned.drop(m)
				t.chunks[c].waiting.add(m)
				x.put(&t, normal, "River rescues the %s job of chunk %d", m, c)
			}
		}
	}
	for i, w := range x.from.relays {
		if w.phase == relayIdle || i == 1 && x.from.relays[0] == w { // two alike: one of them
			continue
		}
		x.relayWorks(i, w)
		x.relayFails(i, w)
	}
}

// idleRelay is a relay that may take a job, -1 for none.
func (x *explorer) idleRelay() int {
	idle, busy := -1, 0
	for i := len(x.from.relays) - 1; i >= 0; i-- {
		if x.from.relays[i].phase == relayIdle {
			idle = i
		} else {
			busy++
		}
	}
	if busy >= x.relays {
		return -1
	}
	return idle
}

// works reports whether jobs of the mode publish while the event is in its status, as relayed.works.
func (x *explorer) works(m mode) bool {
	return x.from.event == running || x.from.event == completed && m == redrive && !x.lacks(redriveAsleep)
}

func (x *explorer) fetch(c int, m mode, idle int) {
	t := *x.from
	t.chunks[c].waiting.drop(m)
	if x.from.brake != released && x.works(m) {
		return // snoozed: the job stays
	}
	switch {
	case t.event == completed && !x.works(m): // for ever so
		x.put(&t, normal, "a relay completes the %s job of chunk %d without publishing: the event is COMPLETED", m, c)
	case idle < 0:
	// no stop can come between fetching and reading
	case t.left.stops == 0 && !x.mayBrake() && !x.contradicts && t.event != stopped:
		t.relays[idle] = relay{phase: fetched, mode: m, chunk: uint8(c)}
		x.readRows(&t, idle)
		x.put(&t, normal, "relay %d fetches the %s job of chunk %d and reads %s", idle, m, c, t.relays[idle].read)
	default:
		t.relays[idle] = relay{phase: fetched, mode: m, chunk: uint8(c)}
		x.put(&t, normal, "relay %d fetches the %s job of chunk %d", idle, m, c)
	}
}

func (x *explorer) relayWorks(i int, w relay) {
	t := *x.from
	switch w.phase {
	case relayIdle:
	case fetched:
		if !x.works(w.mode) {
			t.relays[i].phase = asleep
			x.put(&t, normal, "relay %d finds the event %s", i, eventNames[t.event])
			return
		}
		if t.brake != released {
			t.relays[i] = relay{}
			if !w.stale {
				t.chunks[w.chunk].waiting.add(w.mode)
			}
			x.put(&t, normal, "relay %d finds the brake engaged: the job comes again", i)
			return
		}
		x.readRows(&t, i)
		x.put(&t, normal, "relay %d finds the event %s and reads %s", i, eventNames[t.event], t.relays[i].read)
	case read:
		t.relays[i].phase = acked
		x.full = !t.publish(w.read) || x.full
		x.put(&t, normal, "relay %d publishes %s", i, w.read)
	case acked:
		if !t.moving { // or the gate is taken
			x.markPublished(&t, i, w)
		}
	case asleep:
		if !t.moving {
			x.completeAsleep(&t, i, w)
		}
	}
}

// readRows is selectGrants: what the job's mode names of the rows.
func (x *explorer) readRows(t *state, i int) {
	w := &t.relays[i]
	c := int(w.chunk)
	var e [2]entry
	for j := range e {
		e[j] = x.reads(&t.members[2*c+j], w.mode, t.chunks[c].marked)
	}
	w.phase, w.read = read, newMessage(c, e[0], e[1])
}

func (x *explorer) reads(m *member, how mode, marked bool) entry {
	switch how {
	case first:
		if !marked {
			return tryEntry(0)
		}
	case redrive:
		if m.status == permanentlyFailed && m.redrive > 0 && (m.redriveDone < m.redrive || x.lacks(redriveOnce)) {
			return redriveEntry(m.redrive)
		}
	default:
		if m.isDue(how, marked) {
			return tryEntry(m.retryCount)
		}
	}
	return 0
}

// isDue reports whether a job that asks again publishes the member.
func (m *member) isDue(how mode, marked bool) bool {
	switch how {
	case again:
		return marked && (m.status == noRow || m.status == pending)
	case unsettled:
		return marked && !final(m.status)
	case retry1, retry2:
		return m.status == failed && m.retryCount == uint8(how-retry1)+1
	default:
		return false
	}
}

// markPublished is mark: the job is completed and the targets are marked, whatever the event's status is by now. The
// transaction is fenced by the attempt: one whose job was rescued leaves nothing.
func (x *explorer) markPublished(t *state, i int, w relay) {
	t.relays[i] = relay{}
	if w.stale {
		x.put(t, normal, "relay %d is rolled back: its job has gone to another attempt", i)
		return
	}
	if w.read == 0 {
		x.put(t, normal, "relay %d completes the job: nothing was left to publish", i)
		return
	}
	k := &t.chunks[w.chunk]
	k.published = k.published || w.mode == first || x.lacks(retryPublishes)
	if w.mode == first && !k.marked {
		k.marked = true
		t.summary.published += 2
	}
	// a handler may have dropped the message, and a resume has counted on this job
	if w.since && !x.lacks(markUnaware) {
		k.waiting.add(askAgainMode(w.mode))
	}
	x.put(t, normal, "relay %d completes the %s job of chunk %d", i, w.mode, w.chunk)
}

// askAgainMode is the job that publishes once more what a job of the mode published while the event was stopped.
func askAgainMode(m mode) mode {
	if m == redrive {
		return redrive
	}
	return unsettled
}

// completeAsleep completes the job of an event that does not run, since a resume makes it anew. If it runs by now the
// resume has counted on the job, so the attempt fails and the job comes again (errAwake).
func (x *explorer) completeAsleep(t *state, i int, w relay) {
	t.relays[i] = relay{}
	if x.works(w.mode) && !w.stale {
		t.chunks[w.chunk].waiting.add(w.mode)
		x.put(t, normal, "relay %d finds the event at work meanwhile, the job comes again", i)
		return
	}
	x.put(t, normal, "relay %d completes the job without publishing", i)
}

func (x *explorer) relayFails(i int, w relay) {
	if x.from.left.relayKills > 0 {
		t := *x.from
		t.left.relayKills--
		t.relays[i] = relay{}
		if !w.stale {
			t.chunks[w.chunk].orphaned.add(w.mode)
		}
		x.put(&t, accident, "relay %d is killed", i)
	}
	if x.from.left.relayPauses > 0 && !w.stale {
		t := *x.from
		t.left.relayPauses--
		t.relays[i].stale = true
		t.chunks[w.chunk].waiting.add(w.mode)
		x.put(&t, accident, "relay %d is paused, River rescues its job", i)
	}
}
