package main

import "bestow/domain"

// lifecycle returns what the timetable and people do: T2, T7, T8, T9, and the nets.
func (x *explorer) lifecycle() {
	x.brakes()
	if x.from.moving {
		return // the gate is taken
	}
	switch x.from.event {
	case notStarted:
		x.move()
	case running:
		if !x.from.isOpening() {
			x.closeEvent()
			x.stop()
		}
		for c := range x.chunks {
			x.sweep(c)
			x.reconcile(c)
		}
	case stopped:
		x.answer()
		x.move()
	}
	if x.from.event == running || x.from.event == completed {
		for c := range x.chunks {
			x.reconcileRedrives(c)
		}
		x.redriveAll()
	}
}

// closeEvent is T7, after a settling, after a mark, or by CloseDone.
func (x *explorer) closeEvent() {
	s := x.from.summary
	e := domain.Event{TotalCount: 2 * x.chunks, Summary: domain.Summary{
		Published: int(s.published), Success: int(s.success), Fail: int(s.fail), RetrySuccess: int(s.retrySuccess),
	}}
	if x.lacks(closeUnpublished) {
		e.Summary.Published = e.TotalCount
	}
	if e.Done() {
		t := *x.from
		t.event = completed
		x.put(&t, normal, "the event is COMPLETED")
	}
}

// stop is T8 up to its commit.
func (x *explorer) stop() {
	if x.from.left.stops == 0 {
		return
	}
	t := *x.from
	t.left.stops--
	t.hold()
	x.put(&t, accident, "a person stops the event")
}

// hold stops the event and puts its waiting jobs aside.
func (s *state) hold() {
	s.event = stopped
	for i := range s.relays {
		if w := &s.relays[i]; w.phase == read || w.phase == acked {
			w.since = true
		}
	}
	for c := range s.chunks {
		s.chunks[c].held |= s.chunks[c].waiting
		s.chunks[c].waiting = 0
	}
}

// answer is the stop's 200: no claim of the event is open, so no grant begins any more (drained).
func (x *explorer) answer() {
	if x.from.answered {
		return
	}
	for c := range x.chunks {
		k := &x.from.chunks[c]
		passedOver := x.lacks(answerUnsettled) && k.settled == 2
		if k.claimed() && !passedOver && !x.lacks(answerAtOnce) {
			return
		}
	}
	t := *x.from
	t.answered = true
	x.put(&t, normal, "the stop answers 200")
}

// resume is T2 (Requeue): a chunk that is not settled and that no job would publish gets one, and so do open redrives.
func (x *explorer) resume() {
	t := *x.from
	t.event, t.answered, t.moving = running, false, false
	t.release()
	for c := range x.chunks {
		k := &t.chunks[c]
		k.waiting |= x.requeue(&t, c)
		if !x.lacks(redriveOnce) && t.redriveOpen(c) && !t.jobs(c).has(redrive) {
			k.waiting.add(redrive)
		}
	}
	x.putBroken(&t, normal, x.forgotten(&t), "a person resumes the event")
}

// requeue is the job that a chunk needs after a resume, given those that it has.
func (x *explorer) requeue(t *state, c int) (needs modes) {
	k, live := &t.chunks[c], t.jobs(c)
	switch {
	case k.settled == 2, live.hasAny(first, unsettled):
	case !k.published:
		needs.add(first)
	case x.refusedWithoutRetry(t, c):
		needs.add(unsettled)
	case live.has(again):
	case live.hasAny(retry1, retry2): // the refused ones wait for their time
		needs.add(again)
	default:
		needs.add(unsettled)
	}
	return needs
}

// refusedWithoutRetry reports whether a refused member of the chunk has no retry job of its try any more: it was
// published, and a handler has met the message while the event was stopped.
func (x *explorer) refusedWithoutRetry(t *state, c int) bool {
	for i := 2 * c; i < 2*c+2; i++ {
		if m := &t.members[i]; m.status == failed && !t.jobs(c).has(retryAt(m.retryCount)) && !x.lacks(requeueRefused) {
			return true
		}
	}
	return false
}

// sweep gives a chunk that was never published, and that no job would publish, a job. A chunk that is settled needs one
// too: its message was published and granted by a relay that died before the mark, and only marked targets complete.
func (x *explorer) sweep(c int) {
	k := &x.from.chunks[c]
	if k.published || x.from.live(c) || x.lacks(noSweep) || x.lacks(sweepUnsettled) && k.settled == 2 {
		return
	}
	t := *x.from
	t.chunks[c].waiting.add(first)
	x.put(&t, normal, "the sweep makes a first job for chunk %d", c)
}

// reconcile gives a chunk whose messages are all consumed, and that is neither settled, claimed nor about to be
// published, a job.
func (x *explorer) reconcile(c int) {
	k := &x.from.chunks[c]
	if !k.published || k.settled == 2 || k.claimed() || x.from.live(c) || x.from.inKafka(c) || x.lacks(noReconcile) {
		return
	}
	t := *x.from
	t.chunks[c].waiting.add(unsettled)
	x.put(&t, normal, "the reconcile makes a job for chunk %d", c)
}

// reconcileRedrives does the same for redrives that were not answered, in running and completed events, unless a
// redrive job waits.
func (x *explorer) reconcileRedrives(c int) {
	k := &x.from.chunks[c]
	if !k.published || k.claimed() || !x.from.redriveOpen(c) || x.from.jobs(c).has(redrive) || x.from.inKafka(c) ||
		x.lacks(redriveOnce|reconcileNoRedrive) {
		return
	}
	if x.from.event == completed && x.lacks(reconcileRunning) {
		return
	}
	t := *x.from
	t.chunks[c].waiting.add(redrive)
	x.put(&t, normal, "the reconcile makes a redrive job for chunk %d", c)
}

// redriveAll is T9: a person asks for all that was given up, except those whose last redrive was not answered yet.
func (x *explorer) redriveAll() {
	if x.from.left.redrives == 0 || x.from.brake != released { // 409 brake_engaged
		return
	}
	t := *x.from
	any := false
	for i := range 2 * x.chunks {
		m := &t.members[i]
		isOpen := m.redriveDone < m.redrive
		if m.status == permanentlyFailed && m.redrive < 2 && (!isOpen || x.lacks(redriveOnce)) {
			m.redrive++
			t.chunks[i/2].waiting.add(redrive)
			any = true
		}
	}
	if any {
		t.left.redrives--
		x.put(&t, person, "a person redrives what was given up, the event is %s", eventNames[t.event])
	}
}
