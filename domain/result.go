package domain

import (
	"time"
)

// ResultStatus is the status of a target's result. A target without a row was not asked for yet.
type ResultStatus string

// The result statuses.
const (
	ResultNone    ResultStatus = ""                   // no row
	ResultPending ResultStatus = "PENDING"            // asked; the outcome is not known yet
	Succeeded     ResultStatus = "SUCCESS"            // granted; final
	Refused       ResultStatus = "FAILED"             // definitely refused for now
	GivenUp       ResultStatus = "PERMANENTLY_FAILED" // given up; final unless a person redrives it
)

// Final reports whether a result in s is settled.
func (s ResultStatus) Final() bool { return s == Succeeded || s == GivenUp }

// Result is the row that keeps the outcome of a target.
type Result struct {
	MemberID    string
	Amount      int64
	Status      ResultStatus
	TxID        string
	ErrorCode   string
	Error       string
	RetryCount  int // definite refusals so far
	Redrive     int // how many redrives a person asked for
	RedriveDone int // how many of those were answered
	Voucher     *Voucher
}

// Admits reports whether the ledger is still to be asked for g, a grant of a message, given the target's row. A Result
// with ResultNone stands for no row. running reports whether the event is RUNNING; redrives go on after completion.
func (r Result) Admits(g Grant, running bool) bool {
	if g.Redrive > 0 {
		return r.Status == GivenUp && r.Redrive == g.Redrive && r.RedriveDone < r.Redrive
	}
	if !running {
		return false
	}
	if r.Status == ResultNone {
		return g.Try == 0
	}
	return !r.Status.Final() && r.RetryCount == g.Try
}

// Settle returns the row after outcome o of g. own reports whether the settler still has the claim: without it only a
// success is written. limit is the number of retries after the first try.
//
// SUCCESS overwrites anything but SUCCESS. FAILED and PERMANENTLY_FAILED overwrite only a row that is not final and has
// the grant's try. A refused redrive answers the redrive and changes nothing else. An unknown outcome makes the row
// PENDING, or leaves a redriven one given up.
func (r Result) Settle(g Grant, o Outcome, own bool, limit int) Result {
	if o.Verdict == Granted {
		return r.succeed(g, o)
	}
	if !own {
		return r
	}
	if g.Redrive > 0 {
		return r.redriven(g, o)
	}
	if r.Status.Final() || r.RetryCount != g.Try {
		return r
	}
	switch o.Verdict {
	case Granted: // above
	case Unknown:
		r.Status, r.ErrorCode, r.Error = ResultPending, o.Code, o.Message
	case RefusedForNow:
		r.Status, r.ErrorCode, r.Error = Refused, o.Code, o.Message
		if r.RetryCount++; r.RetryCount > limit {
			r.Status = GivenUp
		}
	case RefusedForGood:
		r.Status, r.ErrorCode, r.Error = GivenUp, o.Code, o.Message
		r.RetryCount++
	case Contradicted:
		r.contradicted(o)
	}
	return r
}

func (r Result) succeed(g Grant, o Outcome) Result {
	if r.Status == Succeeded {
		return r
	}
	r.Status, r.TxID, r.Voucher = Succeeded, o.TxID, o.Voucher
	r.ErrorCode, r.Error = o.Code, o.Message
	r.RedriveDone = max(r.RedriveDone, min(g.Redrive, r.Redrive))
	return r
}

// redriven answers a refused redrive. A redrive with an unknown outcome stays unanswered and is asked for again; the
// row then has the newest code.
func (r Result) redriven(g Grant, o Outcome) Result {
	if r.Status != GivenUp || r.Redrive != g.Redrive {
		return r
	}
	r.ErrorCode, r.Error = o.Code, o.Message
	if o.Verdict != Unknown {
		r.RedriveDone = max(r.RedriveDone, g.Redrive)
	}
	return r
}

// contradicted sets the target aside. If the ledger contradicts again after a resume, the target is given up and the
// event goes on without it. A contradiction is not counted as a refusal.
func (r *Result) contradicted(o Outcome) {
	if r.Status == Refused && r.ErrorCode == Mismatch {
		r.Status = GivenUp
	} else {
		r.Status = Refused
	}
	r.ErrorCode, r.Error = Mismatch, o.Message
}

// Counts is a change of the counts of a summary and of a chunk, or a sum of changes.
type Counts struct {
	Success, Fail, RetrySuccess int
	Settled                     int // rows that became final
}

// Add returns the sum of c and d.
func (c Counts) Add(d Counts) Counts {
	return Counts{c.Success + d.Success, c.Fail + d.Fail, c.RetrySuccess + d.RetrySuccess, c.Settled + d.Settled}
}

// Change returns what the change of a row from before to after adds to the counts.
func Change(before, after Result) Counts {
	b, a := before.counts(), after.counts()
	return Counts{a.Success - b.Success, a.Fail - b.Fail, a.RetrySuccess - b.RetrySuccess, a.Settled - b.Settled}
}

func (r Result) counts() (c Counts) {
	switch r.Status {
	case Succeeded:
		c.Success, c.Settled = 1, 1
		if r.RetryCount > 0 {
			c.RetrySuccess = 1
		}
	case GivenUp:
		c.Fail, c.Settled = 1, 1
	case ResultNone, ResultPending, Refused:
	}
	return c
}

// RetryPolicy says how often a refused grant is tried again, and when.
type RetryPolicy struct {
	Limit   int           // retries after the first try
	Backoff time.Duration // before the first retry; it doubles with each
}

// maxBackoff is the longest wait between two tries.
const maxBackoff = time.Hour

// Wait returns the time between the n-th definite refusal (n ≥ 1) and the next try: Backoff, doubled each time, at most
// an hour.
func (p RetryPolicy) Wait(n int) time.Duration {
	wait := p.Backoff
	for range n - 1 {
		if wait >= maxBackoff {
			break
		}
		wait *= 2
	}
	return min(wait, maxBackoff)
}

// UnknownWait returns the time before the ledger is asked again for a grant with an unknown outcome. asked is the time
// since its chunk was first asked for. The wait is as long as that, so it doubles, from two seconds to a minute,
// without end. An unknown outcome does not count as a refusal.
func UnknownWait(asked time.Duration) time.Duration {
	return min(max(asked, 2*time.Second), time.Minute)
}
