package domain

import (
	"slices"
	"time"
)

// Status is the status of an event.
type Status string

// The statuses of an event. Failed means that going on would do harm; it behaves as Stopped everywhere.
const (
	Pending   Status = "PENDING"
	Running   Status = "RUNNING"
	Completed Status = "COMPLETED"
	Stopped   Status = "STOPPED"
	Failed    Status = "FAILED"
)

// Statuses lists all of them in the order of an event's life.
func Statuses() []Status { return []Status{Pending, Running, Stopped, Failed, Completed} }

// Move is a step from one status to another.
type Move string

// The moves of an event. There is no other.
const (
	Start  Move = "start"  // PENDING → RUNNING, by hand or at the reserved time
	Resume Move = "resume" // STOPPED or FAILED → RUNNING
	Stop   Move = "stop"   // RUNNING → STOPPED, by a person
	Fault  Move = "fault"  // RUNNING → FAILED, by the system
	Close  Move = "close"  // RUNNING → COMPLETED, when every target is final and published
)

// Moves lists all of them.
func Moves() []Move { return []Move{Start, Resume, Stop, Fault, Close} }

// After returns the status that m leads to from s, or an [Error] with code [WrongStatus] that carries s and what is
// allowed from it.
func (s Status) After(m Move) (Status, error) {
	from, to := m.path()
	if slices.Contains(from, s) {
		return to, nil
	}
	return s, WrongStatusError(s, "the event is "+string(s)+", so "+string(m)+" is not possible",
		allowedHint(s))
}

// Allowed lists the moves that a person may ask for in s.
func (s Status) Allowed() []Move {
	allowed := []Move{}
	for _, m := range []Move{Start, Resume, Stop} {
		if from, _ := m.path(); slices.Contains(from, s) {
			allowed = append(allowed, m)
		}
	}
	return allowed
}

func (m Move) path() (from []Status, to Status) {
	switch m {
	case Start:
		return []Status{Pending}, Running
	case Resume:
		return []Status{Stopped, Failed}, Running
	case Stop:
		return []Status{Running}, Stopped
	case Fault:
		return []Status{Running}, Failed
	case Close:
		return []Status{Running}, Completed
	}
	return nil, ""
}

func allowedHint(s Status) string {
	switch s {
	case Pending:
		return "start it, or edit it before it starts"
	case Running:
		return "stop it first, or wait for it to complete"
	case Stopped, Failed:
		return "resume it to go on"
	case Completed:
		return "a completed event does not change any more: make a new one"
	}
	return ""
}

// Event is one campaign event with its type and its summary. Amounts are in the ledger's smallest unit.
type Event struct {
	ID                  int64
	CampaignID          string
	Name                string // what people call it; "" for none
	Type                EventType
	Status              Status
	FailureCode         string // "" unless Failed
	DefaultReason       string // "" for none
	DefaultAmount       int64  // 0 for none
	ExpiryAt            *time.Time
	Expired             bool // whether ExpiryAt had passed when the event was read, by the database's clock
	TotalCount          int
	TotalAmount         int64
	Partitions          int
	ReservationAt       *time.Time
	ReservationPriority *int
	Missed              bool // ReservationAt passed before the PENDING event had a list: only a person starts it
	CreatedBy           string
	CreatedAt           time.Time
	UpdatedAt           time.Time
	Summary             Summary
}

// Summary counts how an event goes. Success and Fail count final results; RetrySuccess is the part of Success that was
// refused at least once before.
type Summary struct {
	Published, Success, Fail, RetrySuccess int
	StartedAt, CompletedAt, StoppedAt      *time.Time
	StoppedMemo                            string
}

// Done reports whether every target of e is final and acknowledged by Kafka, so that e may close.
func (e Event) Done() bool {
	return e.Summary.Success+e.Summary.Fail == e.TotalCount && e.Summary.Published == e.TotalCount
}

// Unsettled returns how many targets of e have no final result yet.
func (e Event) Unsettled() int { return e.TotalCount - e.Summary.Success - e.Summary.Fail }

// Obstacle returns the code with which a start or a resume of e is refused because of e itself, or "": NoTargets, or
// Expired while a target is still to be granted.
func (e Event) Obstacle() Code {
	switch {
	case e.Status != Pending && e.Status != Stopped && e.Status != Failed:
		return ""
	case e.TotalCount == 0:
		return NoTargets
	case e.Expired && e.Unsettled() > 0:
		return Expired
	}
	return ""
}

// Repeats reports whether m is the move that led e to its status, so that repeating it changes nothing and is no error.
// A running event was resumed if it was ever stopped, and started otherwise.
func (e Event) Repeats(m Move) bool {
	_, to := m.path()
	if e.Status != to {
		return false
	}
	switch m {
	case Start:
		return e.Summary.StoppedAt == nil
	case Resume:
		return e.Summary.StoppedAt != nil
	case Stop, Fault, Close:
	}
	return true
}
