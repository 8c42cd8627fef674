package campaign

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/client"
	"bestow/internal/english"
)

// EventCmd is `bestow event`.
type EventCmd struct {
	Create eventCreateCmd `cmd:"" help:"Make an event."`
	List   eventListCmd   `cmd:"" help:"List events, newest first."`
	Show   eventShowCmd   `cmd:"" help:"Show an event."`
	Edit   eventEditCmd   `cmd:"" help:"Change an event before it starts."`
	Delete eventDeleteCmd `cmd:"" help:"Delete an event that was never started, with its member lists."`
	Start  eventStartCmd  `cmd:"" help:"Start an event."`
	Stop   eventStopCmd   `cmd:"" help:"Stop an event: no new grant of it begins."`
	Resume eventResumeCmd `cmd:"" help:"Resume a stopped event."`
	Watch  eventWatchCmd  `cmd:"" help:"Show the progress of an event until it completes or stops."`
}

type eventCreateCmd struct {
	terminal.Format

	CampaignID          string  `required:"" placeholder:"ID" help:"The source campaign's id, up to 50 characters; it belongs to one event only."`
	Name                *string `placeholder:"TEXT" help:"What people call the event, up to 100 characters. It decides nothing."`
	EventType           string  `required:"" placeholder:"TYPE" help:"What to grant, such as POINT or VOUCHER: bestow type list shows the types."`
	DefaultAmount       *int64  `placeholder:"N" help:"The amount of members without an amount in the list."`
	DefaultReason       *string `placeholder:"TEXT" help:"The reason of members without a reason in the list."`
	ExpiryAt            string  `placeholder:"TIME" help:"When the granted points or vouchers expire, such as 2026-12-31T23:59:59+09:00 or '2026-12-31 23:59:59' in BESTOW_TIME_ZONE. Default: never."`
	PartitionCount      *int    `placeholder:"N" help:"How many partitions are processed in parallel, 1 to 64. Default: 4."`
	ReservationAt       string  `placeholder:"TIME" help:"When the event starts by itself, in whole seconds. Default: a person starts it."`
	ReservationPriority *int    `placeholder:"N" help:"Events that are reserved for the same second run one after another, the lower number first."`
}

// Run makes an event.
func (c *eventCreateCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	n := api.NewEvent{
		CampaignID:          c.CampaignID,
		Name:                c.Name,
		EventType:           c.EventType,
		DefaultAmount:       c.DefaultAmount,
		DefaultReason:       c.DefaultReason,
		PartitionCount:      c.PartitionCount,
		ReservationPriority: c.ReservationPriority,
	}
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	if n.ExpiryAt, err = terminal.ReadTime("--expiry-at", c.ExpiryAt, zone); err != nil {
		return err
	}
	if n.ReservationAt, err = terminal.ReadTime("--reservation-at", c.ReservationAt, zone); err != nil {
		return err
	}
	server, err := t.Client()
	if err != nil {
		return err
	}
	e, err := server.CreateEvent(ctx, n)
	if err != nil {
		return err
	}
	return c.Print(t, e, func() error {
		t.Say("next: bestow targets import %d FILE", e.ID)
		return printEvent(t, e, nil, zone)
	})
}

type eventListCmd struct {
	terminal.Format
	terminal.Paging

	Status      []string `placeholder:"STATUS" enum:"PENDING,RUNNING,COMPLETED,STOPPED,FAILED" help:"Only events in this status: PENDING, RUNNING, COMPLETED, STOPPED or FAILED; several with commas between them."`
	Type        string   `help:"Only events of this type."`
	CampaignID  string   `help:"Only the event of this campaign."`
	Find        string   `placeholder:"TEXT" help:"Only events whose campaign_id or name has this text."`
	CreatedBy   string   `placeholder:"NAME" help:"Only events that this operator made."`
	HasFailures string   `enum:",true,false" default:"" placeholder:"true" help:"Only events with given-up members, or without: true or false."`
}

// Run lists events.
func (c *eventListCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	if err := c.Check(); err != nil {
		return err
	}
	server, zone, err := t.ClientAndZone()
	if err != nil {
		return err
	}
	page, err := server.Events(ctx, client.Filter{
		Status: strings.Join(c.Status, ","), Type: c.Type, CampaignID: c.CampaignID, Words: c.Find, CreatedBy: c.CreatedBy,
		HasFailures: c.HasFailures, Limit: c.Limit, Cursor: c.Cursor,
	})
	if err != nil {
		return err
	}
	return c.Print(t, page, func() error {
		t.SayMore(page.NextCursor)
		return printEvents(t, page.Items, zone)
	})
}

// printEvents prints a table. It has a column of names if an event has one.
func printEvents(t *terminal.Terminal, events []api.Event, zone *time.Location) error {
	named := slices.ContainsFunc(events, func(e api.Event) bool { return e.Name != nil })
	return t.TableSparing([]string{"CREATED", "TYPE", "NAME"}, func(w io.Writer) {
		name := func(text string) string {
			if !named {
				return ""
			}
			return text + "\t"
		}
		fmt.Fprintf(w, "ID\tCAMPAIGN\t%sTYPE\tSTATUS\tTARGETS\tSUCCESS\tFAIL\tCREATED\tWAITING FOR\n", name("NAME"))
		for _, e := range events {
			fmt.Fprintf(w, "%d\t%s\t%s%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.ID, e.CampaignID,
				name(terminal.OrDash(e.Name)), e.EventType, e.EventStatus, english.Number(e.TotalCount),
				english.Number(e.Summary.SuccessCount), english.Number(e.Summary.FailCount),
				terminal.When(&e.CreatedAt, zone), terminal.ReasonCodes(e.WaitingFor))
		}
	}, "CAMPAIGN", "NAME", "WAITING FOR")
}

type eventShowCmd struct {
	terminal.Format
	terminal.EventArg
}

// Run shows an event.
func (c *eventShowCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	var failures map[string]int
	if c.Output != "json" && e.Summary.FailCount > 0 {
		p, err := server.Progress(ctx, e.ID)
		if err != nil {
			return err
		}
		failures = p.Failures
	}
	return showEvent(t, c.Format, e, failures)
}

// showEvent prints an event, and for people by which codes its members failed; failures is nil where none did.
func showEvent(t *terminal.Terminal, f terminal.Format, e api.Event, failures map[string]int) error {
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	return f.Print(t, e, func() error { return printEvent(t, e, failures, zone) })
}

func printEvent(t *terminal.Terminal, e api.Event, failures map[string]int, zone *time.Location) error {
	return t.Table(func(w io.Writer) {
		for _, row := range [][2]string{
			{"id", fmt.Sprint(e.ID)},
			{"campaign_id", e.CampaignID},
			{"name", terminal.OrDash(e.Name)},
			{"event_type", e.EventType},
			{"event_status", e.EventStatus},
			{"failure_code", terminal.OrDash(e.FailureCode)},
			{"targets", fmt.Sprintf("%s, %s in all", english.Number(e.TotalCount), quantity(e.TotalAmount, e.Unit))},
			{"published", english.Number(e.Summary.PublishedCount)},
			{"success", fmt.Sprintf("%s, %s of them after a refusal", english.Number(e.Summary.SuccessCount), english.Number(e.Summary.RetrySuccessCount))},
			{"fail", english.Number(e.Summary.FailCount) + byCode(failures)},
			{"default_amount", quantityOrDash(e.DefaultAmount, e.Unit)},
			{"default_reason", terminal.OrDash(e.DefaultReason)},
			{"expiry_at", terminal.When(e.ExpiryAt, zone)},
			{"partition_count", fmt.Sprint(e.PartitionCount)},
			{"reservation_at", terminal.When(e.ReservationAt, zone)},
			{"reservation_priority", terminal.OrDash(e.ReservationPriority)},
			{"created", terminal.When(&e.CreatedAt, zone) + " by " + e.CreatedBy},
			{"started_at", terminal.When(e.Summary.StartedAt, zone)},
			{"completed_at", terminal.When(e.Summary.CompletedAt, zone)},
			{"stopped_at", terminal.When(e.Summary.StoppedAt, zone)},
			{"stopped_memo", terminal.OrDash(e.Summary.StoppedMemo)},
		} {
			fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
		}
		if len(e.WaitingFor) > 0 {
			fmt.Fprintf(w, "waiting_for\t%s\n", terminal.InZone(terminal.ReasonTexts(e.WaitingFor), zone))
		}
	})
}

type eventStartCmd struct {
	terminal.Format
	terminal.EventArg

	Now bool `help:"Start a reserved event before its time: on a terminal, a start asks for it."`
}

// Run starts an event.
func (c *eventStartCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	if startsByItself(e) && !c.Now && t.IsScreen() {
		return terminal.Usage("event %d is reserved for %s and starts by itself then; --now starts it now, "+
			"and what it grants cannot be taken back", e.ID, terminal.When(e.ReservationAt, zone))
	}
	if e, err = server.StartEvent(ctx, e.ID); err != nil {
		return err
	}
	return c.Print(t, e, func() error {
		t.Say("next: bestow event watch %d", e.ID)
		return showEvent(t, c.Format, e, nil)
	})
}

// startsByItself reports whether the event waits for a reserved time that has not come.
func startsByItself(e api.Event) bool {
	return e.EventStatus == string(domain.Pending) && e.ReservationAt != nil && e.ReservationAt.After(time.Now())
}
