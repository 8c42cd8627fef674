package main

import "fmt"

// step is one thing that can happen in a state.
type step struct {
	to    state
	class class
	broke invariant // broken by the step itself, "" for none
	text  string    // only if texts are asked for
}

// class says what had to be so for a step to happen. The promises of L1, L2 and S3 are that the end is reached without
// some.
type class uint8

const (
	accident class = 1 << iota // something was killed, paused or lost, or a person stopped the event
	person                     // a person's redrive
	newGrant                   // the ledger got a row
	refusal                    // the ledger refused
	noAnswer                   // the ledger's answer was lost
	normal   class = 0
)

// explorer makes the steps of one state.
type explorer struct {
	config
	from  *state
	texts bool
	emit  func(*step)
	full  bool // a state had more messages than the model has room for
}

// steps emits all that can happen in s.
func (x *explorer) steps(s *state) {
	x.from = s
	x.relaySteps()
	x.deliveries()
	for i := range s.handlers {
		if s.handlers[i].phase != handlerIdle {
			x.handlerSteps(i)
		}
	}
	for c := range x.chunks {
		x.time(c)
	}
	x.losses()
	x.lifecycle()
}

// put emits a step to t that breaks nothing by itself.
func (x *explorer) put(t *state, how class, format string, args ...any) {
	x.putBroken(t, how, "", format, args...)
}

func (x *explorer) putBroken(t *state, how class, broke invariant, format string, args ...any) {
	x.tidy(t)
	n := step{to: *t, class: how, broke: broke}
	if x.texts {
		n.text = fmt.Sprintf(format, args...)
	}
	x.emit(&n)
}

// tidy forgets what makes no difference any more, so that states that behave alike are one.
func (x *explorer) tidy(t *state) {
	for i := range t.handlers {
		h := &t.handlers[i]
		if x.lacks(claimsCounted) {
			h.own = false
		}
		if h.phase == answering || h.phase == returning {
			h.expired = false
		}
	}
	for c := range x.chunks {
		x.tidyChunk(t, c)
	}
}

// tidyChunk is tidy of a chunk.
func (x *explorer) tidyChunk(t *state, c int) {
	k := &t.chunks[c]
	if x.isolateAfter == 0 {
		k.attempts, k.lost = 0, 0
	}
	if k.open == 0 && !x.lacks(lookupRemembers) {
		k.absent = [2]bool{}
	}
	mayAsk := t.mayAsk(c)
	if !mayAsk || k.ranOut {
		k.newest = 0
	}
	if k.open == 0 && !mayAsk && !x.awaitsLate(t, c) {
		k.ranOut = false
	}
}

// mayAsk reports whether a handler has a claim of the chunk, whose lease it has not seen running out, and has not asked
// yet.
func (s *state) mayAsk(c int) bool {
	for i := range s.handlers {
		if h := &s.handlers[i]; h.mayAsk() && !h.expired && h.message.chunk() == c {
			return true
		}
	}
	return false
}

// awaitsLate reports whether a request of the chunk is on its way that the ledger drops at the end of the lease.
func (x *explorer) awaitsLate(s *state, c int) bool {
	return !x.lacks(noDeadline) && (s.members[2*c].late || s.members[2*c+1].late)
}
