package main

import "bytes"

// symmetry finds the one state that stands for all that differ only in names: the members of a chunk, the chunks, the
// handlers and the relays are interchangeable.
type symmetry struct {
	config
	best, key []byte
}

// canonical returns the smallest encoding among the renamings of s. It is valid until the next call.
func (y *symmetry) canonical(s *state) []byte {
	y.best = y.best[:0]
	t := *s
	for range y.chunks { // the chunks as they are, and exchanged
		y.members(&t, 0)
		if y.chunks == 2 {
			t.swapChunks()
		}
	}
	return y.best
}

// members tries both orders of the members of chunk c and of those after it.
func (y *symmetry) members(t *state, c int) {
	if c == y.chunks {
		y.workers(t)
		return
	}
	y.members(t, c+1)
	if y.contradicts && c == 0 {
		return // only a is contradicted, so a and b are not the same
	}
	t.swapMembers(c)
	y.members(t, c+1)
	t.swapMembers(c)
}

func (y *symmetry) workers(t *state) {
	y.try(t)
	if t.handlers[0] != t.handlers[1] || t.chunks[0].newest|t.chunks[1].newest != 0 {
		t.swapHandlers()
		y.try(t)
		t.swapHandlers()
	}
}

// try keeps the encoding of t if it is the smallest so far; of two relays the smaller stands first.
func (y *symmetry) try(t *state) {
	relays := t.relays
	if less(relays[1], relays[0]) {
		t.relays[0], t.relays[1] = relays[1], relays[0]
	}
	y.key = t.encode(y.key[:0], y.chunks)
	t.relays = relays
	if len(y.best) == 0 || bytes.Compare(y.key, y.best) < 0 {
		y.best, y.key = y.key, y.best
	}
}

func less(a, b relay) bool {
	x := [...]uint8{uint8(a.phase), bit(a.stale, 0), uint8(a.mode), a.chunk, uint8(a.read), bit(a.since, 0)}
	z := [...]uint8{uint8(b.phase), bit(b.stale, 0), uint8(b.mode), b.chunk, uint8(b.read), bit(b.since, 0)}
	return bytes.Compare(x[:], z[:]) < 0
}

func (s *state) swapMembers(c int) {
	s.members[2*c], s.members[2*c+1] = s.members[2*c+1], s.members[2*c]
	s.chunks[c].absent[0], s.chunks[c].absent[1] = s.chunks[c].absent[1], s.chunks[c].absent[0]
	for i := range s.relays {
		if w := &s.relays[i]; w.read != 0 && w.read.chunk() == c {
			w.read = w.read.swapped()
		}
	}
	for i := range s.handlers {
		if h := &s.handlers[i]; h.on(c) {
			h.message, h.admitted = h.message.swapped(), h.admitted.swapped()
			h.answers[0], h.answers[1] = h.answers[1], h.answers[0]
		}
	}
	for i, m := range s.kafka {
		if m != 0 && m.chunk() == c {
			s.kafka[i] = m.swapped()
		}
	}
	s.sortKafka()
}

func (s *state) swapChunks() {
	s.chunks[0], s.chunks[1] = s.chunks[1], s.chunks[0]
	s.members = [4]member{s.members[2], s.members[3], s.members[0], s.members[1]}
	for i := range s.relays {
		if w := &s.relays[i]; w.phase != relayIdle {
			w.chunk ^= 1
			w.read = w.read.inOtherChunk()
		}
	}
	for i := range s.handlers {
		h := &s.handlers[i]
		h.message, h.admitted = h.message.inOtherChunk(), h.admitted.inOtherChunk()
	}
	for i, m := range s.kafka {
		s.kafka[i] = m.inOtherChunk()
	}
	s.sortKafka()
}

func (s *state) swapHandlers() {
	s.handlers[0], s.handlers[1] = s.handlers[1], s.handlers[0]
	for i := range s.chunks {
		if k := &s.chunks[i]; k.newest != 0 {
			k.newest = 3 - k.newest
		}
	}
}
