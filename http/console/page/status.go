package page

import "bestow/domain"

// Editable reports whether a campaign's details and lists can still be changed.
func Editable(e domain.Event) bool { return e.Status == domain.Pending && e.Summary.StartedAt == nil }

// StartsByItself reports whether a campaign that has not started starts at its reserved time.
func StartsByItself(e domain.Event) bool { return e.ReservationAt != nil && !e.Missed }

// status is how a campaign's status is shown: by a class and an icon, and a word.
type status struct{ class, icon, word string }

// statusOf derives what is shown: a campaign that is complete with failures is not green, and one that waits says for
// what.
func statusOf(e domain.Event) status {
	switch e.Status {
	case domain.Running:
		return status{"run", "run", "status.running"}
	case domain.Completed:
		if e.Summary.Fail > 0 {
			return status{"part", "half", "status.part"}
		}
		return status{"ok", "check", "status.completed"}
	case domain.Stopped:
		return status{"stop", "stop", "status.stopped"}
	case domain.Failed:
		return status{"bad", "x", "status.failed"}
	case domain.Pending:
	}
	switch {
	case e.Missed:
		return status{"wait", "warn", "status.missed"}
	case e.TotalCount == 0:
		return status{"", "dot", "status.draft"}
	case e.ReservationAt != nil:
		return status{"", "clock", "status.scheduled"}
	}
	return status{"", "dot", "status.ready"}
}
