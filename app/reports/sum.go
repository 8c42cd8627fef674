package reports

// Sum says where all targets of an event are at one moment, each in one part: the parts add up to Total. A target that
// is in the hands of a handler is in hand, whatever was answered for it before. One that is given up stays so until a
// retry that a person asks for has ended.
type Sum struct {
	Total   int
	Granted int
	GivenUp int
	Waiting int // refused for now, and tried again by itself
	Unknown int // asked, and the outcome is not known yet
	InHand  int // claimed by a handler, and not settled yet
	InKafka int // published, and not claimed, or claimed by a handler that has gone
	Unsent  int // not published yet
}

// sumOf distributes the targets of p over the parts. What chunks say is taken first: what is in hand, which a relay may
// not have noted as published yet, and what no handler has claimed. Those who are refused or unknown are counted by
// member, and may be in hand too: so each part takes at most what the parts before it have left. The rest was claimed
// by a handler that has gone, and Kafka delivers it again.
func sumOf(p Progress) Sum {
	s := Sum{Total: p.Event.TotalCount}
	left := s.Total
	take := func(n int) int {
		n = max(0, min(n, left))
		left -= n
		return n
	}
	s.Granted = take(p.Event.Summary.Success)
	s.GivenUp = take(p.Event.Summary.Fail)
	s.InHand = take(p.InFlight)
	s.Unsent = take(s.Total - p.Event.Summary.Published)
	s.InKafka = take(p.Lag.Kafka.Targets)
	s.Unknown = take(p.Unknown)
	s.Waiting = take(p.WaitingRetry)
	s.InKafka += left
	return s
}

// Settled returns how many targets have their final outcome.
func (s Sum) Settled() int { return s.Granted + s.GivenUp }

// Left returns how many targets have none yet.
func (s Sum) Left() int { return s.Total - s.Settled() }
