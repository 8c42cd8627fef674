package main

// isolate works the claim's only member by itself (app/isolate.go): it is committed as isolated and then asked for, or,
// if it is found isolated, looked up. A member that the ledger does not know counts as refused: the handler that asked
// has died of it.
func (x *explorer) isolate(i int, h handler) {
	c := h.message.chunk()
	j := 0
	if h.admitted.entry(0) == 0 {
		j = 1
	}
	t := *x.from
	m := &t.members[2*c+j]
	if m.mark.isolated() && (m.status == pending || m.status == permanentlyFailed) {
		x.lookUpIsolated(&t, i, j, m)
		t = *x.from
		x.uncount(&t, c, i, h)
		x.put(&t, noAnswer, "handler %d finds %c isolated, the lookup fails", i, 'a'+j)
		return
	}
	if x.lacks(markAnyRow) || m.row().Admits(h.admitted.entry(j).grant(), true) {
		m.mark = isAsked
		if !h.admitted.entry(j).isRedrive() { // a redriven one stays given up until it succeeds
			m.status = pending
		}
	}
	t.handlers[i].phase = claiming
	x.put(&t, normal, "handler %d commits %c as isolated", i, 'a'+j)
}

func (x *explorer) lookUpIsolated(t *state, i, j int, m *member) {
	broke := noInvariant
	said := refused
	switch {
	case m.ledger:
		said = granted
	case m.mark == leftBehind:
		broke = onlyDeathRefuses
	}
	if x.countTries && said == refused {
		m.refusedTries |= 1 << m.retryCount
	}
	t.handlers[i].phase = answering
	t.handlers[i].answers = [2]answer{}
	t.handlers[i].answers[j] = said
	x.putBroken(t, normal, broke, "handler %d finds %c isolated, the lookup says %s", i, 'a'+j, said)
}

// unmark is the second transaction of releaseThenUnmark.
func (x *explorer) unmark(i int, h handler) {
	t := *x.from
	c := h.message.chunk()
	for j := range 2 {
		if m := &t.members[2*c+j]; h.admitted.entry(j) != 0 && m.mark.isolated() && m.status != success {
			m.mark = unmarked
		}
	}
	t.handlers[i] = handler{}
	x.put(&t, normal, "handler %d takes the mark off", i)
}
