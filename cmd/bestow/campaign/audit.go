package campaign

import (
	"context"
	"fmt"
	"io"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/http/api"
	"bestow/http/client"
)

// AuditCmd is `bestow audit`.
type AuditCmd struct {
	terminal.Format
	terminal.Paging

	Event  *string `arg:"" optional:"" help:"Only what was done with the event: its id or campaign_id."`
	Actor  string  `help:"Only what this person or service did."`
	Action string  `help:"Only this action, such as event.start."`
	Since  string  `placeholder:"TIME" help:"Only what was done at this time or later, such as 2026-11-30 09:00."`
}

// Run lists what people and keys have changed.
func (c *AuditCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	if err := c.Check(); err != nil {
		return err
	}
	server, zone, err := t.ClientAndZone()
	if err != nil {
		return err
	}
	f := client.AuditFilter{Actor: c.Actor, Action: c.Action, Limit: c.Limit, Cursor: c.Cursor}
	since, err := terminal.ReadTime("--since", c.Since, zone)
	if err != nil {
		return err
	}
	if since != nil {
		f.Since = *since
	}
	if c.Event != nil {
		e, err := server.FindEvent(ctx, *c.Event)
		if err != nil {
			return err
		}
		f.EventID = e.ID
	}
	page, err := server.Audit(ctx, f)
	if err != nil {
		return err
	}
	return c.Print(t, page, func() error {
		t.SayMore(page.NextCursor)
		return printAudit(t, page.Items, zone)
	})
}

func printAudit(t *terminal.Terminal, list []api.AuditEntry, zone *time.Location) error {
	return t.TableSparing([]string{"ID"}, func(w io.Writer) {
		fmt.Fprintln(w, "ID\tAT\tWHO\tACTION\tOBJECT\tREASON")
		for _, e := range list {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", e.ID, terminal.When(&e.At, zone), e.Actor, e.Action, e.Object,
				terminal.Printable(terminal.OrDash(e.Reason)))
		}
	}, "WHO", "OBJECT", "REASON")
}
