package campaigns

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"bestow/domain"
)

// historyShown is how many of the last changes by people a campaign's page shows.
const historyShown = 30

// happening is one thing that people or the machine did to a campaign.
type happening struct {
	at          time.Time
	class, icon string // hum: a person
	text        string // the key of a message
	by          string // who did it; "" for the machine
	more        string
}

// changes are what people do to a campaign, by the actions of the audit: the icon of each. Others, such as an export,
// are no part of its life.
var changes = map[string]string{
	"event.create": "plus", "event.edit": "info", "event.start": "play", "event.stop": "stop", "event.resume": "play",
	"event.retry": "retry", "import.add": "campaigns", "import.take_back": "x", "import.end": "x",
	"event.read_checks": "eye",
}

// lifeActions are the actions of changes.
var lifeActions = slices.Sorted(maps.Keys(changes))

// history lists what people did to a campaign and what the machine did, the newest first. An event that was made before
// there was an audit has less of it.
func (v campaignView) history() (all []happening) {
	e := v.Event
	done := map[string]bool{}
	for _, entry := range v.Audit {
		done[entry.Action] = true
		h := happening{at: entry.At, class: "hum", icon: changes[entry.Action], text: "did." + entry.Action, by: entry.Actor}
		if entry.Reason != nil {
			h.more = *entry.Reason
		}
		all = append(all, h)
	}
	add := func(at *time.Time, h happening) {
		if at != nil {
			h.at = *at
			all = append(all, h)
		}
	}
	if !done["event.create"] {
		add(&e.CreatedAt, happening{class: "hum", icon: "plus", text: "did.event.create", by: e.CreatedBy})
	}
	if len(v.Start) == 0 { // by its reservation
		add(e.Summary.StartedAt, happening{icon: "play", text: "did.started"})
	}
	if !done["event.stop"] {
		add(e.Summary.StoppedAt, happening{icon: "stop", text: "did.stopped", more: e.Summary.StoppedMemo})
	}
	if e.Status == domain.Completed {
		completed := happening{class: "ok", icon: "check", text: "did.completed"}
		if e.Summary.Fail > 0 {
			completed.class, completed.icon, completed.more = "warn", "half", v.T("given_up", e.Summary.Fail)
		}
		add(e.Summary.CompletedAt, completed)
	}
	if e.Status == domain.Pending {
		add(e.ReservationAt, happening{icon: "clock", text: "did.reserved"})
	}
	slices.SortStableFunc(all, func(a, b happening) int { return cmp.Compare(b.at.UnixNano(), a.at.UnixNano()) })
	return all
}
