package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"bestow/app"
	"bestow/http/api"
)

type queueCmd struct{ format }

// Run shows the lanes.
func (c *queueCmd) Run(ctx context.Context, t *terminal) error {
	zone, err := t.zone()
	if err != nil {
		return err
	}
	server, err := t.client()
	if err != nil {
		return err
	}
	q, err := server.Queue(ctx)
	if err != nil {
		return err
	}
	return c.print(t, q, func() error {
		if len(q.Lanes) == 0 {
			t.say("nothing is reserved: an event enters a lane by its reservation_at")
			return nil
		}
		return printQueue(t.out, q, zone)
	})
}

func printQueue(out io.Writer, q api.Queue, zone *time.Location) error {
	return table(out, func(w io.Writer) {
		fmt.Fprintln(w, "LANE\tTURN\tID\tCAMPAIGN\tTYPE\tPRIORITY\tTARGETS\tSTATUS\tSTARTS\tWAITING FOR")
		for _, lane := range q.Lanes {
			for i, e := range lane.Events {
				fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", when(&lane.ReservationAt, zone), i+1, e.ID, e.CampaignID,
					e.EventType, orDash(e.ReservationPriority), e.TotalCount, e.EventStatus, starts(e, q.At, zone), inZone(reasonTexts(obstacles(e.WaitingFor)), zone))
			}
		}
	})
}

// obstacles are the reasons but for the reserved time, which stands in the line already.
func obstacles(reasons []api.Reason) []api.Reason {
	return slices.DeleteFunc(slices.Clone(reasons), func(r api.Reason) bool { return r.Code == app.Reserved })
}

// starts says when an event began or will begin, "-" where that depends on a person.
func starts(e api.Queued, now time.Time, zone *time.Location) string {
	switch {
	case e.EventStatus == "RUNNING":
		return "began " + when(e.StartedAt, zone) + left(e.ETAS)
	case e.WaitsFor != nil && *e.WaitsFor != "lane_busy":
		return "-"
	case e.ExpectedStartAt == nil && e.WaitsFor != nil:
		return "when the lane is free"
	case e.ExpectedStartAt == nil:
		return "-"
	case e.WaitsFor != nil:
		return "about " + when(e.ExpectedStartAt, zone)
	case !e.ExpectedStartAt.After(now):
		return "now"
	}
	return when(e.ExpectedStartAt, zone)
}

// left says how long it will take; nothing where nobody can tell.
func left(seconds int64) string {
	if seconds == 0 {
		return ""
	}
	return ", " + (time.Duration(seconds) * time.Second).String() + " to go"
}
