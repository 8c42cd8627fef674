package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// trace tells the shortest way to the violation, a line for each step.
func (s *search) trace(v *violation) []string {
	path := []uint32{}
	if v.isStep {
		path = append(path, v.step)
	}
	for id := v.state; ; id = s.parents[id] {
		path = append(path, id)
		if id == 0 {
			break
		}
	}
	slices.Reverse(path)
	now := s.initial()
	lines := []string{now.describe(s.chunks)}
	for i, id := range path[1:] {
		text, next := s.stepTo(&now, s.encoded(id), v.isStep && i == len(path)-2)
		lines, now = append(lines, text), next
	}
	return append(lines, now.describe(s.chunks))
}

// stepTo finds the step from now to the state with the encoding. Names differ along the way: what was handler 1 in the
// search may be handler 0 here.
func (s *search) stepTo(now *state, to []byte, breaking bool) (text string, next state) {
	y := symmetry{config: s.config}
	x := explorer{config: s.config, texts: true}
	x.emit = func(n *step) {
		if text == "" && (!breaking || n.broke != noInvariant) && bytes.Equal(y.canonical(&n.to), to) {
			text, next = n.text, n.to
		}
	}
	x.steps(now)
	return text, next
}

func (s *state) describe(chunks int) string {
	var b strings.Builder
	b.WriteString(string(eventNames[s.event]))
	if s.answered {
		b.WriteString(" (200)")
	}
	b.WriteString(brakeNames[s.brake])
	for c := range chunks {
		k := &s.chunks[c]
		fmt.Fprintf(&b, " | chunk %d published=%t open=%d ran out=%t settled=%d jobs:%s%s%s", c, k.published, k.open,
			k.ranOut, k.settled,
			k.waiting.list(""), k.held.list("held "), k.orphaned.list("orphaned "))
		for j := range 2 {
			m := &s.members[2*c+j]
			fmt.Fprintf(&b, " %c[%s retries %d redrive %d/%d ledger=%t]", 'a'+j, m.name(), m.retryCount, m.redriveDone,
				m.redrive, m.ledger)
		}
	}
	fmt.Fprintf(&b, " | success %d fail %d retried %d published %d | Kafka:", s.summary.success, s.summary.fail,
		s.summary.retrySuccess, s.summary.published)
	for _, m := range s.kafka {
		if m != 0 {
			fmt.Fprintf(&b, " %s", m)
		}
	}
	return b.String()
}

func (m *member) name() string {
	if m.status == noRow {
		return "no row"
	}
	return string(resultNames[m.status])
}

func (s modes) list(before string) string {
	var b strings.Builder
	for m := range modeCount {
		if s.has(m) {
			b.WriteString(" " + before + m.String())
		}
	}
	return b.String()
}
