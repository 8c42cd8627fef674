package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/pg"
	"bestow/outbox"
)

// Stalled is the code of the reason for which an event that is at work has not moved for a while and of which no other
// reason is known. Its text has what was found out.
const Stalled domain.Code = "stalled"

// NotKnown is the code of a process that could not look for a while: what stands still is not known to it.
const NotKnown domain.Code = "not_known"

const (
	// leastStalled is the least time that an event that is at work may stand still before that is a reason.
	leastStalled = 20 * time.Second
	// afterClaim is how much longer than a claim it may stand still.
	afterClaim = 5 * time.Second
)

// stall holds what is known of events that stand still although nothing else is wrong.
type stall struct {
	after    time.Duration       // how long one may stand still
	events   map[int64]time.Time // those that stand still, and since when, as far as that is known
	unread   bool                // the tables of their results could not be read in time: a session keeps them locked
	broken   map[int64]bool      // those with a chunk of which two claims in a row did not come back
	blockers []pg.Session
	silent   []processes.Process // of the last hour, that were not seen for two beats
}

// silentAfter is the time that a process is not seen that may hang: more than two beats.
const silentAfter = 12 * time.Second

// stalled says why an event that is at work has not moved for a while; none where it moves.
func (l look) stalled(e domain.Event) []Reason {
	since, stands := l.stall.events[e.ID]
	if !stands {
		return nil
	}
	var found []string
	if len(l.stall.blockers) > 0 {
		found = append(found, "PostgreSQL lets it wait for "+pg.Sessions(l.stall.blockers))
	}
	for _, c := range l.strangers(e.Type.Code) {
		found = append(found, c.String())
	}
	for _, p := range l.stall.silent {
		if p.SeenAt.After(since.Add(-l.stall.after)) && (p.Has(processes.RoleRelay) || p.Has(processes.RoleHandler)) {
			cure := "if it hangs, end it"
			if p.Ended() {
				cure = "it is gone, and others take its work over within a minute or two"
			}
			found = append(found, fmt.Sprintf("process %d on %s (%s) was last seen at %s: %s",
				p.PID, p.Host, strings.Join(p.Roles, ","), p.SeenAt.UTC().Format(time.RFC3339), cure))
		}
	}
	if l.stall.broken[e.ID] {
		found = append(found, "claims of a chunk end without an answer: the log of the handlers says why")
	}
	if len(found) == 0 {
		found = []string{
			"no reason is known: look at the logs of relays and handlers, and at `bestow parked list`; " +
				"what Kafka or a failover of PostgreSQL has lost is published again within a minute or two",
		}
	}
	return []Reason{{Stalled, fmt.Sprintf("nothing of it has moved for %d s: ", int(l.stall.after.Seconds())) +
		strings.Join(found, "; ")}}
}

// strangers are the consumers of a type's topics that no process of the installation is, nor one that hangs. None are
// known while a handler does not say by which ids it consumes: it has just begun, or an older version does not.
func (l look) strangers(eventType string) (found []outbox.Consumer) {
	var ours []string
	for _, p := range slices.Concat(l.Processes, l.stall.silent) {
		members := p.Members()
		if p.Has(processes.RoleHandler) && len(members) == 0 {
			return nil
		}
		ours = append(ours, members...)
	}
	for _, p := range l.Processes {
		for _, r := range p.Reports {
			for _, c := range r.Consumers {
				known := slices.ContainsFunc(found,
					func(other outbox.Consumer) bool { return other.Member == c.Member })
				if c.EventType == eventType && len(c.Partitions) > 0 && !known && !slices.Contains(ours, c.Member) {
					found = append(found, c)
				}
			}
		}
	}
	return found
}

// settling reports whether a process that began a moment ago may still be about to move what stands.
func (l look) settling() bool {
	return slices.ContainsFunc(l.Processes, func(p processes.Process) bool {
		return (p.Has(processes.RoleRelay) || p.Has(processes.RoleHandler)) && l.At.Sub(p.StartedAt) < l.stall.after
	})
}
