package campaign

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"bestow/app/reports"
	"bestow/cmd/bestow/terminal"
	"bestow/http/api"
)

// QueueCmd is `bestow queue`.
type QueueCmd struct{ terminal.Format }

// Run shows the lanes.
func (c *QueueCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, zone, err := t.ClientAndZone()
	if err != nil {
		return err
	}
	q, err := server.Queue(ctx)
	if err != nil {
		return err
	}
	return c.Print(t, q, func() error {
		if len(q.Lanes) == 0 {
			t.Say("nothing is reserved: an event enters a lane by its reservation_at")
			return nil
		}
		return printQueue(t, q, zone)
	})
}

func printQueue(t *terminal.Terminal, q api.Queue, zone *time.Location) error {
	return t.TableSparing([]string{"TYPE", "STATUS", "TARGETS", "PRIORITY"}, func(w io.Writer) {
		fmt.Fprintln(w, "LANE\tTURN\tID\tCAMPAIGN\tTYPE\tPRIORITY\tTARGETS\tSTATUS\tSTARTS\tWAITING FOR")
		for _, lane := range q.Lanes {
			for i, e := range lane.Events {
				fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", terminal.When(&lane.ReservationAt, zone),
					i+1, e.ID, e.CampaignID,
					e.EventType, terminal.OrDash(e.ReservationPriority), e.TotalCount, e.EventStatus,
					starts(e, q.At, zone), terminal.InZone(terminal.ReasonTexts(obstacles(e.WaitingFor)), zone))
			}
		}
	}, "CAMPAIGN", "WAITING FOR")
}

// obstacles are the reasons but for the reserved time, which stands in the line already.
func obstacles(reasons []api.Reason) []api.Reason {
	return slices.DeleteFunc(slices.Clone(reasons), func(r api.Reason) bool { return r.Code == reports.Reserved })
}

// starts says when an event began or will begin, "-" where that depends on a person.
func starts(e api.Queued, now time.Time, zone *time.Location) string {
	switch {
	case e.EventStatus == "RUNNING":
		return "began " + terminal.When(e.StartedAt, zone) + left(e.ETAS)
	case e.WaitsFor != nil && *e.WaitsFor != "lane_busy":
		return "-"
	case e.ExpectedStartAt == nil && e.WaitsFor != nil:
		return "when the lane is free"
	case e.ExpectedStartAt == nil:
		return "-"
	case e.WaitsFor != nil:
		return "about " + terminal.When(e.ExpectedStartAt, zone)
	case !e.ExpectedStartAt.After(now):
		return "now"
	}
	return terminal.When(e.ExpectedStartAt, zone)
}

// left says how long it will take, and nothing if that is not known.
func left(seconds int64) string {
	if seconds == 0 {
		return ""
	}
	return ", " + (time.Duration(seconds) * time.Second).String() + " to go"
}
