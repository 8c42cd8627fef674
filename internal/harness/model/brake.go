package main

// brake says how far the brake is.
type brake uint8

const (
	released brake = iota
	engaged        // its row is committed
	passed         // it has had its locks, and what ran then is stopped
	answered       // it has answered 200
)

var brakeNames = [...]string{"", ", brake engaged", ", brake past its locks", ", brake answered"}

// brakes is T15, its release, and a start or a resume that is under way.
func (x *explorer) brakes() {
	switch x.from.brake {
	case released:
		x.engage()
	case engaged:
		x.passLocks()
	case passed:
		x.answerBrake()
	case answered:
	}
	if x.from.brake != released { // by a person, who resumes nothing; also of a brake whose process died
		t := *x.from
		t.brake = released
		x.put(&t, normal, "a person releases the brake")
	}
	if x.from.moving {
		x.commitMove()
	}
}

// engage commits the brake's row.
func (x *explorer) engage() {
	if x.from.left.brakes == 0 {
		return
	}
	t := *x.from
	t.left.brakes--
	t.brake = engaged
	x.put(&t, accident, "a person engages the brake: its row is committed")
}

// passLocks is the rest of T15 up to its stop: both locks, exclusively, then T8 if the event runs. Nothing that did not
// see the row is under way any more, so that the locks and the stop may be one step.
func (x *explorer) passLocks() {
	if x.from.moving && !x.lacks(brakeNoLock) || x.from.isOpening() && !x.lacks(brakeUnawaited) {
		return
	}
	t := *x.from
	t.brake = passed
	if t.event == running {
		if x.from.isOpening() {
			return // T8 waits for the gate
		}
		t.hold()
	}
	x.put(&t, normal, "the brake has had its locks, and what ran is stopped")
}

// answerBrake is the brake's 200: no claim of any event is open.
func (x *explorer) answerBrake() {
	for c := range x.chunks {
		passedOver := x.lacks(brakeRunning) && x.from.event == completed
		if x.from.chunks[c].claimed() && !passedOver {
			return
		}
	}
	t := *x.from
	t.brake = answered
	x.put(&t, normal, "the brake answers 200")
}

// move is T2 of a start or a resume, up to its COMMIT: it takes the brake's lock shared, then the gate, and reads the
// row. While a brake may come, the two ends of the transaction are two steps.
func (x *explorer) move() {
	switch {
	case x.from.brake != released && !x.lacks(startUnbraked): // 409 brake_engaged
	case x.from.isOpening(): // waits for the gate
	case x.mayBrake():
		t := *x.from
		t.moving = true
		x.put(&t, normal, "a person begins to start or resume the event, which is %s", eventNames[t.event])
	default:
		x.commitMove()
	}
}

// commitMove is the COMMIT of a start or a resume.
func (x *explorer) commitMove() {
	if x.from.event == stopped {
		x.resume()
		return
	}
	t := *x.from
	t.event, t.moving = running, false
	t.release()
	x.put(&t, normal, "the event is started")
}

// release makes the jobs available that were put aside.
func (s *state) release() {
	for c := range s.chunks {
		s.chunks[c].waiting |= s.chunks[c].held
		s.chunks[c].held = 0
	}
}

// mayBrake reports whether a brake may be engaged from here on, or is.
func (x *explorer) mayBrake() bool { return x.from.left.brakes > 0 || x.from.brake != released }

// braked reports whether T4 finds the event braked.
func (x *explorer) braked() bool { return x.from.brake != released && !x.lacks(brakeUnread) }

// isOpening reports whether a handler is between its look at the event and the COMMIT of its claim, with the gate.
func (s *state) isOpening() bool {
	return s.handlers[0].phase == opening || s.handlers[1].phase == opening
}
