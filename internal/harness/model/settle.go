package main

import "bestow/domain"

// isolatedCode is the error code of a member that is asked for by itself (app/isolate.go).
const isolatedCode domain.Code = "isolated"

// row is the member's result row as the domain knows it.
func (m *member) row() domain.Result {
	r := domain.Result{
		Status: resultNames[m.status], RetryCount: int(m.retryCount), Redrive: int(m.redrive),
		RedriveDone: int(m.redriveDone),
	}
	switch {
	case m.mark.isolated():
		r.ErrorCode = isolatedCode
	case m.mark == mismatch:
		r.ErrorCode = domain.Mismatch
	}
	return r
}

// write returns what a settling makes of the row. A mark that it leaves by its own claim is left behind: who set it is
// done.
func (m *member) write(r domain.Result, own bool) {
	for i, name := range resultNames {
		if name == r.Status {
			m.status = uint8(i)
		}
	}
	m.retryCount, m.redriveDone = uint8(r.RetryCount), uint8(r.RedriveDone)
	switch {
	case r.ErrorCode == domain.Mismatch:
		m.mark = mismatch
	case r.ErrorCode != isolatedCode:
		m.mark = unmarked
	case m.mark == isAsked && own:
		m.mark = leftBehind
	}
}

// outcome is the answer as the domain knows it.
func (a answer) outcome() domain.Outcome {
	switch a {
	case granted:
		return domain.Outcome{Verdict: domain.Granted}
	case refused:
		return domain.Outcome{Verdict: domain.RefusedForNow}
	case refusedGood:
		return domain.Outcome{Verdict: domain.RefusedForGood}
	case contradicted:
		return domain.Outcome{Verdict: domain.Contradicted, Code: domain.Mismatch}
	case none, unknown, unknownDone, unknownLate, notReached, cutOff:
	}
	return domain.Outcome{Verdict: domain.Unknown}
}

// changes holds what a settling does to the chunk besides its rows, as app's changes.
type changes struct {
	retries                     modes
	settled                     bool // a row became final
	unknown, redrives, mismatch bool
}

// settle is T6: it looks at no event status. What each row becomes, and what that adds to the counters, is decided by
// the domain: domain.Result.Settle and domain.Change.
func (x *explorer) settle(i int, h handler) {
	t := *x.from
	ch, broke := x.settleRows(&t, h)
	x.settleChunk(&t, h, ch)
	x.endClaim(&t, i, h, ch)
	t.handlers[i] = handler{}
	lost := t
	t.take(h.message)
	x.putBroken(&t, normal, broke, "handler %d settles and acks", i)
	if x.from.left.lostAcks > 0 {
		lost.left.lostAcks--
		x.putBroken(&lost, accident, broke, "handler %d settles, the ack is lost, the message comes again", i)
	}
}

// settleRows settles each member that the ledger answered for.
func (x *explorer) settleRows(t *state, h handler) (ch changes, broke invariant) {
	c := h.message.chunk()
	counts := h.own || x.lacks(claimsCounted|settleAnyToken) // whether a refusal or an unknown outcome counts
	for j, said := range h.answers {
		asked := h.admitted.entry(j)
		if asked == 0 || said.ofRest() {
			continue
		}
		before := t.members[2*c+j]
		x.settleRow(t, c, j, asked, said, counts, &ch)
		if t.event == completed && t.members[2*c+j].status != before.status && before.redrive == 0 {
			broke = completedStays
		}
	}
	return ch, broke
}

func (x *explorer) settleRow(t *state, c, j int, asked entry, said answer, counts bool, ch *changes) {
	m := &t.members[2*c+j]
	before := m.row()
	after := x.becomes(before, asked, said, counts)
	m.write(after, counts)
	t.count(c, domain.Change(before, after))
	if counts && said.outcome().Verdict == domain.Unknown {
		ch.redrives = ch.redrives || asked.isRedrive()
		ch.unknown = ch.unknown || !asked.isRedrive() && !after.Status.Final()
	}
	if again := x.lacks(contradictedForEver) && said == contradicted; after != before || again {
		ch.note(before, after)
	}
}

// becomes asks the domain what the row becomes, but for the clauses that are left out.
func (x *explorer) becomes(before domain.Result, asked entry, said answer, counts bool) domain.Result {
	g := asked.grant()
	if x.lacks(triesIgnored) && !asked.isRedrive() {
		g.Try = before.RetryCount
	}
	if x.lacks(contradictedForEver) && before.ErrorCode == domain.Mismatch {
		before.ErrorCode = ""
	}
	after := before.Settle(g, said.outcome(), counts, x.retries)
	if x.lacks(redriveKeepsMark) && asked.isRedrive() && said.outcome().Verdict == domain.Unknown {
		after.ErrorCode = before.ErrorCode
	}
	return after
}

// note keeps what a changed row asks for.
func (ch *changes) note(before, after domain.Result) {
	ch.settled = ch.settled || after.Status.Final() && !before.Status.Final()
	switch {
	case after.Status != domain.Refused:
	case after.ErrorCode == domain.Mismatch:
		ch.mismatch = true
	default:
		ch.retries.add(retryAt(uint8(after.RetryCount)))
	}
}

// count adds to the summary and to the chunk, which the database does in the transaction that writes the rows.
func (s *state) count(c int, n domain.Counts) {
	s.summary.success += uint8(n.Success)
	s.summary.fail += uint8(n.Fail)
	s.summary.retrySuccess += uint8(n.RetrySuccess)
	s.chunks[c].settled += uint8(n.Settled)
}

// settleChunk makes the jobs that the outcomes ask for, and stops the event that is contradicted.
func (x *explorer) settleChunk(t *state, h handler, ch changes) {
	c := h.message.chunk()
	k := &t.chunks[c]
	if ch.settled || h.own && !x.lacks(answersCount) {
		k.attempts, k.lost = 0, 0
	}
	k.waiting |= x.jobsFor(ch)
	if ch.mismatch && t.event == running {
		t.hold()
	}
}

// endClaim closes the claim. While an outcome is unknown it stays open to its lease: the request may still be on its
// way.
func (x *explorer) endClaim(t *state, i int, h handler, ch changes) {
	c := h.message.chunk()
	k := &t.chunks[c]
	if keep := (ch.unknown || ch.redrives) && !x.lacks(unknownCloses); !keep {
		if h.own {
			t.loseToken(c)
		}
		t.close(c, i, h.own, x.lacks(claimsCounted))
	} else if int(k.newest) == i+1 {
		k.newest = 0
	}
}

// jobsFor are the jobs that a settling asks for, as askAgain.
func (x *explorer) jobsFor(ch changes) modes {
	jobs := ch.retries
	if ch.unknown {
		jobs.add(again)
	}
	if ch.redrives {
		jobs.add(x.redriveMode())
	}
	return jobs
}

// redriveMode is the job for an unknown redrive; where redrives are not kept, it can only be asked as anybody.
func (x *explorer) redriveMode() mode {
	if x.lacks(redriveOnce) {
		return again
	}
	return redrive
}

// settleFound settles at STOPPED what the lookup of a claim that ran out has found, under that claim's token.
func (x *explorer) settleFound(i int, h handler) {
	t := *x.from
	c := h.message.chunk()
	x.settleGranted(&t, h)
	if h.own {
		t.loseClaim(c, x.isolateAfter)
		t.loseToken(c)
	}
	broke := t.unsettled(h)
	t.close(c, i, h.own, x.lacks(claimsCounted))
	t.handlers[i] = handler{}
	t.take(h.message)
	x.putBroken(&t, normal, broke, "handler %d settles what the ledger has, closes the claim that ran out, acks", i)
}

// settleGranted settles what a look-up has found in the ledger.
func (x *explorer) settleGranted(t *state, h handler) {
	c := h.message.chunk()
	settled := false
	for j, said := range h.answers {
		if said != granted {
			continue
		}
		m := &t.members[2*c+j]
		before := m.row()
		after := before.Settle(h.admitted.entry(j).grant(), said.outcome(), true, x.retries)
		m.write(after, false)
		if after != before {
			t.count(c, domain.Change(before, after))
			settled = settled || !before.Status.Final()
		}
	}
	if settled {
		t.chunks[c].attempts, t.chunks[c].lost = 0, 0
	}
}
