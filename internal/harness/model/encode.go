package main

// encode packs a state into b. Members and chunks beyond those of the run are left out.
func (s *state) encode(b []byte, chunks int) []byte {
	l := s.left
	b = append(b, s.event|bit(s.answered, 2)|uint8(s.brake)<<3|bit(s.moving, 5), l.stops|l.lostAcks<<4,
		l.handlerKills|l.relayKills<<4,
		l.relayPauses|l.lostMessages<<4, l.redrives|l.brakes<<4, s.summary.success|s.summary.fail<<4,
		s.summary.retrySuccess|s.summary.published<<4)
	for i := range 2 * chunks {
		m := &s.members[i]
		b = append(b, m.status|m.retryCount<<3|bit(m.ledger, 5)|bit(m.late, 6), m.redrive|m.redriveDone<<4,
			uint8(m.mark)|m.refusedTries<<4)
	}
	for i := range chunks {
		k := &s.chunks[i]
		b = append(b, k.open|k.attempts<<4,
			bit(k.published, 0)|bit(k.ranOut, 1)|k.newest<<2|k.settled<<4|bit(k.marked, 6),
			k.lost|bit(k.absent[0], 6)|bit(k.absent[1], 7),
			uint8(k.waiting), uint8(k.held), uint8(k.orphaned))
	}
	for i := range s.relays {
		w := &s.relays[i]
		b = append(b, uint8(w.phase)|bit(w.stale, 3)|uint8(w.mode)<<4|w.chunk<<7, uint8(w.read), bit(w.since, 0))
	}
	for i := range s.handlers {
		h := &s.handlers[i]
		b = append(b, uint8(h.phase)|bit(h.expired, 3)|bit(h.own, 4)|bit(h.inherits, 5), uint8(h.message),
			uint8(h.admitted), uint8(h.answers[0])|uint8(h.answers[1])<<4)
	}
	for _, m := range s.kafka {
		b = append(b, uint8(m))
	}
	return b
}

// decode is encode's inverse.
func decode(b []byte, chunks int) (s state) {
	next := func() uint8 {
		v := b[0]
		b = b[1:]
		return v
	}
	low, high := func(v uint8) uint8 { return v & 15 }, func(v uint8) uint8 { return v >> 4 }
	v := next()
	s.event, s.answered, s.brake, s.moving = v&3, isSet(v, 2), brake(v>>3&3), isSet(v, 5)
	v, w, x, y := next(), next(), next(), next()
	s.left = budget{low(v), high(v), low(w), high(w), low(x), high(x), low(y), high(y)}
	v, w = next(), next()
	s.summary = summary{low(v), high(v), low(w), high(w)}
	for i := range 2 * chunks {
		v, w, x := next(), next(), next()
		s.members[i] = member{
			status: v & 7, retryCount: v >> 3 & 3, redrive: low(w), redriveDone: high(w),
			mark:   mark(low(x)),
			ledger: isSet(v, 5), late: isSet(v, 6), refusedTries: high(x),
		}
	}
	for i := range chunks {
		v, w, x := next(), next(), next()
		s.chunks[i] = chunk{
			published: isSet(w, 0), marked: isSet(w, 6), open: low(v), ranOut: isSet(w, 1),
			newest: w >> 2 & 3, attempts: high(v), settled: w >> 4 & 3, lost: x & 63, absent: [2]bool{isSet(x, 6), isSet(x, 7)},
			waiting: modes(next()), held: modes(next()), orphaned: modes(next()),
		}
	}
	for i := range s.relays {
		v := next()
		s.relays[i] = relay{
			phase: relayPhase(v & 7), stale: isSet(v, 3), mode: mode(v >> 4 & 7), chunk: v >> 7,
			read: message(next()), since: isSet(next(), 0),
		}
	}
	for i := range s.handlers {
		v := next()
		h := handler{
			phase: handlerPhase(v & 7), expired: isSet(v, 3), own: isSet(v, 4), inherits: isSet(v, 5),
			message: message(next()), admitted: message(next()),
		}
		v = next()
		h.answers = [2]answer{answer(low(v)), answer(high(v))}
		s.handlers[i] = h
	}
	for i := range s.kafka {
		s.kafka[i] = message(next())
	}
	return s
}

func bit(v bool, at int) uint8 {
	if v {
		return 1 << at
	}
	return 0
}

func isSet(v uint8, at int) bool { return v>>at&1 == 1 }
