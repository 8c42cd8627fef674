package main

import "bestow/domain"

// state is everything that would survive, or is at work, at one moment. Numbers are small on purpose: see encode.
type state struct {
	event    uint8 // running, stopped, completed or not started
	answered bool  // the stop has answered 200: no claim is open
	brake    brake
	moving   bool // a start or a resume is between its look at the brake and its COMMIT, with the gate
	left     budget
	members  [4]member // two of each chunk
	chunks   [2]chunk
	summary  summary
	relays   [2]relay
	handlers [2]handler
	kafka    [10]message // sorted, zeros last; equal messages are one
}

// Statuses of the event. FAILED behaves as STOPPED everywhere, so it is STOPPED here.
const (
	running uint8 = iota
	stopped
	completed
	notStarted // only where brakes are asked for: other runs begin with the event started
)

var eventNames = [...]domain.Status{domain.Running, domain.Stopped, domain.Completed, domain.Pending}

// member is a target, its result row, and what the ledger has of it.
type member struct {
	status, retryCount, redrive, redriveDone uint8
	mark                                     mark
	ledger                                   bool  // the ledger has the grant
	late                                     bool  // a request for it that was given up is still on its way
	refusedTries                             uint8 // a bit for each try that the ledger refused, if config.countTries
}

// Statuses of a result row, as indexes of resultNames.
const (
	noRow uint8 = iota
	pending
	success
	failed
	permanentlyFailed
)

var resultNames = [...]domain.ResultStatus{
	domain.ResultNone, domain.ResultPending, domain.Succeeded, domain.Refused,
	domain.GivenUp,
}

func final(status uint8) bool { return resultNames[status].Final() }

// mark is the error code of a row, as far as a rule reads it. "isolated" is three marks here: only the model knows why
// a row has it, and so whether a refusal that is drawn from it was one.
type mark uint8

const (
	unmarked   mark = iota
	isAsked         // isolated, and who marked it still lives
	diedAsking      // isolated, and who marked it was killed
	leftBehind      // isolated, although the claim was given back
	mismatch        // the ledger contradicted itself once
)

func (m mark) isolated() bool { return m == isAsked || m == diedAsking || m == leftBehind }

// chunk is a row of grant_chunks, with the relay jobs of the chunk: a set of modes for each state of a job.
type chunk struct {
	published bool  // published_at is set
	marked    bool  // its targets are PUBLISHED
	open      uint8 // claims that are not closed; at most one, but for claimsCounted
	ranOut    bool  // open_until has passed
	newest    uint8 // the handler with the newest claim, from 1
	attempts  uint8
	lost      uint8 // claims that really did not come back since attempts was 0: only the model knows
	settled   uint8
	absent    [2]bool // looked up at rest under the claim that ran out, and not in the ledger
	waiting   modes   // available, scheduled or retryable
	held      modes   // pending: put aside by a stop
	orphaned  modes   // running, but the relay was killed; River rescues it
}

// claimed reports whether a claim is open: not closed, and not run out.
func (c *chunk) claimed() bool { return c.open > 0 && !c.ranOut }

// summary is a row of campaign_event_summary.
type summary struct{ success, fail, retrySuccess, published uint8 }

// relay is a relay worker.
type relay struct {
	phase relayPhase
	stale bool // paused so long that River gave its job to another attempt
	since bool // the event was stopped since it read
	mode  mode
	chunk uint8
	read  message // what it read, 0 for nothing
}

type relayPhase uint8

const (
	relayIdle relayPhase = iota
	fetched              // has a job
	read                 // has read the rows
	acked                // Kafka has the message
	asleep               // found the event not at work, and will complete the job without publishing
)

// handler is a handler at work on one message.
type handler struct {
	phase    handlerPhase
	message  message
	admitted message // the part of it that it asks for
	answers  [2]answer
	expired  bool // its lease has run out
	own      bool // the chunk still has its token
	inherits bool // the claim before it ran out without being closed
}

type handlerPhase uint8

const (
	handlerIdle handlerPhase = iota
	opening                  // has the gate, has found the event at work, and takes the claim next
	claiming                 // has a claim, and has not asked
	answering                // the ledger answered, or will not
	lookingUp                // at rest: has looked up what a claim that ran out has granted
	isolating                // has a claim, and asks for its member by itself
	unmarking                // has given its claim back, and not taken the mark off
	returning                // has settled the part that was answered, and gives the claim back next
)

// mayAsk reports whether the handler has a claim with which it has not asked yet.
func (h *handler) mayAsk() bool { return h.phase == claiming || h.phase == isolating }

// on reports whether the handler is at work on the chunk.
func (h *handler) on(c int) bool { return h.phase != handlerIdle && h.message.chunk() == c }

// mode is the mode of a relay job, as outbox.Mode; each try of a retry is a mode of its own.
type mode uint8

const (
	first mode = iota
	again
	unsettled
	retry1
	retry2
	redrive
	modeCount
)

var modeNames = [...]string{"first", "again", "unsettled", "retry 1", "retry 2", "redrive"}

func (m mode) String() string { return modeNames[m] }

// modes is a set of modes.
type modes uint8

// retryAt is the mode of the retry job that publishes a refused member at its retry_count, 1 or 2.
func retryAt(retryCount uint8) mode { return retry1 + mode(retryCount) - 1 }

func (s modes) has(m mode) bool { return s>>m&1 == 1 }
func (s modes) hasAny(list ...mode) bool {
	for _, m := range list {
		if s.has(m) {
			return true
		}
	}
	return false
}
func (s *modes) add(m mode)  { *s |= 1 << m }
func (s *modes) drop(m mode) { *s &^= 1 << m }

// live reports whether the chunk has a job that will still do its work. A stale attempt counts as none: its job has
// gone on.
func (s *state) live(c int) bool { return s.jobs(c) != 0 }

// jobs are the modes of the chunk's live jobs.
func (s *state) jobs(c int) modes {
	k := &s.chunks[c]
	set := k.waiting | k.held | k.orphaned
	for _, w := range s.relays {
		if w.phase != relayIdle && !w.stale && int(w.chunk) == c {
			set.add(w.mode)
		}
	}
	return set
}

// inKafka reports whether a message of the chunk is still to be consumed.
func (s *state) inKafka(c int) bool {
	for _, m := range s.kafka {
		if m != 0 && m.chunk() == c {
			return true
		}
	}
	return false
}

// redriveOpen reports whether a person's redrive of the chunk was not answered yet.
func (s *state) redriveOpen(c int) bool {
	for i := 2 * c; i < 2*c+2; i++ {
		if m := &s.members[i]; m.status == permanentlyFailed && m.redriveDone < m.redrive {
			return true
		}
	}
	return false
}
