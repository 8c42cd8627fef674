package console

import (
	"cmp"
	"slices"
	"time"

	"bestow/domain"
)

// happening is one thing that people or the machine did to a campaign.
type happening struct {
	at          time.Time
	class, icon string // hum: a person
	text        string // the key of a message
	more        string
}

// history lists what the campaign's row knows of its life, the newest first.
func (v campaignView) history() (all []happening) {
	e := v.Event
	add := func(at *time.Time, h happening) {
		if at != nil {
			h.at = *at
			all = append(all, h)
		}
	}
	add(&e.CreatedAt, happening{class: "hum", icon: "plus", text: "did.made", more: e.CreatedBy})
	add(e.Summary.StartedAt, happening{icon: "play", text: "did.started"})
	add(e.Summary.StoppedAt, happening{class: "hum", icon: "stop", text: "did.stopped", more: e.Summary.StoppedMemo})
	if e.Status == domain.Completed {
		done := happening{class: "ok", icon: "check", text: "did.completed"}
		if e.Summary.Fail > 0 {
			done.icon, done.more = "half", v.T("given_up", e.Summary.Fail)
		}
		add(e.Summary.CompletedAt, done)
	}
	if e.Status == domain.Pending {
		add(e.ReservationAt, happening{icon: "clock", text: "did.reserved"})
	}
	slices.SortStableFunc(all, func(a, b happening) int { return cmp.Compare(b.at.UnixNano(), a.at.UnixNano()) })
	return all
}
