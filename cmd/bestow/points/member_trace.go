package points

import (
	"context"
	"fmt"
	"io"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/http/api"
	"bestow/http/client"
	"bestow/internal/english"
)

// memberOfEvent is the member and the event that a command is about.
type memberOfEvent struct {
	terminal.EventArg
	memberArg
}

// foundMember is what the arguments mean, and who knows more.
type foundMember struct {
	server *client.Client
	event  api.Event
	id     string // of the member
	zone   *time.Location
}

// find returns what the arguments mean.
func (a memberOfEvent) find(ctx context.Context, t *terminal.Terminal) (f foundMember, err error) {
	if f.id, err = a.id(); err != nil {
		return f, err
	}
	if f.zone, err = t.Zone(); err != nil {
		return f, err
	}
	f.server, f.event, err = a.Find(ctx, t)
	return f, err
}

type memberTraceCmd struct {
	memberOfEvent
	terminal.Format
}

// Help says where it asks.
func (memberTraceCmd) Help() string {
	return `It asks the service at BESTOW_URL with BESTOW_KEY: what the list says of the member, the message that carried it, what
the ledger answered, and when. "bestow member history" shows what became of the points since.`
}

// Run shows why a member got something of an event, or did not.
func (c *memberTraceCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	f, err := c.find(ctx, t)
	if err != nil {
		return err
	}
	trace, err := f.server.Trace(ctx, f.event.ID, f.id)
	if err != nil {
		return err
	}
	return c.Print(t, trace, func() error { return printTrace(t, trace, f.zone) })
}

func printTrace(t *terminal.Terminal, trace api.Trace, zone *time.Location) error {
	if _, err := fmt.Fprintf(t.Out, "member %s of event %d (%s, %s): %s\n\n", trace.MemberID, trace.EventID,
		trace.CampaignID, trace.EventStatus, verdict(trace)); err != nil {
		return err
	}
	if err := t.Table(func(w io.Writer) {
		for _, s := range trace.Timeline {
			fmt.Fprintf(w, "%s\t%s\t%s\n", terminal.When(&s.At, zone), s.Code, terminal.Printable(s.Text))
		}
	}); err != nil {
		return err
	}
	if m := trace.Message; m != nil {
		if _, err := fmt.Fprintf(t.Out, "\nthe message that was taken last: topic %s, partition %d, offset %d\n", m.Topic,
			m.Partition, m.Offset); err != nil {
			return err
		}
	}
	if j := trace.Job; j != nil {
		if _, err := fmt.Fprintf(t.Out, "\nrelay job %d is %s, after %s\n", j.ID, j.State,
			english.Count(j.Attempt, "attempt")); err != nil {
			return err
		}
	}
	for _, r := range trace.WaitingFor {
		if _, err := fmt.Fprintf(t.Out, "the event waits: %s\n", terminal.InZone(r.Text, zone)); err != nil {
			return err
		}
	}
	return nil
}

// verdict says in one sentence what became of the member.
func verdict(trace api.Trace) string {
	switch {
	case trace.Absent != nil:
		return trace.Absent.Text
	case trace.Result == nil:
		return "no result"
	case trace.Result.Status == "SUCCESS":
		return "granted " + english.Number(trace.Result.Amount)
	case trace.Result.Status == "PERMANENTLY_FAILED":
		return "given up: " + terminal.OrDash(trace.Result.ErrorCode)
	}
	return "not decided yet"
}

type memberEventsCmd struct {
	memberArg
	terminal.Format
	terminal.Paging
}

// Run lists the events that have a member on their lists.
func (c *memberEventsCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	if err := c.Check(); err != nil {
		return err
	}
	id, err := c.id()
	if err != nil {
		return err
	}
	server, err := t.Client()
	if err != nil {
		return err
	}
	page, err := server.Memberships(ctx, id, c.Limit, c.Cursor)
	if err != nil {
		return err
	}
	return c.Print(t, page, func() error {
		t.SayMore(page.NextCursor)
		if len(page.Items) == 0 {
			t.Say("no event has %s on its list", id)
		}
		return t.TableSparing([]string{"TYPE", "STATUS"}, func(w io.Writer) {
			fmt.Fprintln(w, "EVENT\tCAMPAIGN\tTYPE\tSTATUS\tAMOUNT\tRESULT\tERROR")
			for _, m := range page.Items {
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", m.EventID, m.CampaignID, m.EventType, m.EventStatus,
					english.Number(m.Amount), terminal.OrDash(m.Status), terminal.OrDash(m.ErrorCode))
			}
		}, "CAMPAIGN")
	})
}
