package campaign

import (
	"context"
	"fmt"
	"io"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/client"
)

// ResultsCmd is `bestow results`.
type ResultsCmd struct {
	List   resultsListCmd   `cmd:"" help:"List results by member, with the reason of each refusal."`
	Export resultsExportCmd `cmd:"" help:"Write all results to the output, as CSV or NDJSON."`
}

type resultsListCmd struct {
	terminal.EventArg
	terminal.Format
	terminal.Paging

	Status    string `enum:",PENDING,SUCCESS,FAILED,PERMANENTLY_FAILED" default:"" help:"Only results in this status: PENDING, SUCCESS, FAILED or PERMANENTLY_FAILED."`
	Failed    bool   `help:"Only members that were given up: the same as --status PERMANENTLY_FAILED."`
	ErrorCode string `placeholder:"CODE" help:"Only results with this error code: bestow event show shows the codes."`
	Member    string `placeholder:"ID" help:"Only this member."`
}

// Run lists what became of the members of an event.
func (c *resultsListCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	if err := c.Check(); err != nil {
		return err
	}
	status := c.Status
	if c.Failed {
		if status != "" && status != "PERMANENTLY_FAILED" {
			return terminal.Usage("--failed is --status PERMANENTLY_FAILED: leave one of the two out")
		}
		status = "PERMANENTLY_FAILED"
	}
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	f := client.ResultFilter{
		Status: status, ErrorCode: c.ErrorCode, MemberID: c.Member, Limit: c.Limit,
		Cursor: c.Cursor,
	}
	page, err := server.Results(ctx, e.ID, f)
	if err != nil {
		return err
	}
	return c.Print(t, page, func() error {
		t.SayMore(page.NextCursor)
		if len(page.Items) == 0 {
			c.sayNoResult(t, e, page.Absent)
		}
		return c.table(t, page.Items, e.Unit, zone)
	})
}

// table prints results. On a screen that is too narrow the reason is the last column to go, and one member's result is
// shown line by line.
func (c *resultsListCmd) table(t *terminal.Terminal, results []api.Result, unit *string, zone *time.Location) error {
	if t.Screen.Width() > 0 && c.Member != "" && len(results) == 1 {
		return t.Table(func(w io.Writer) {
			r := results[0]
			fmt.Fprintf(w, "member\t%s\namount\t%s\nstatus\t%s\nreason\t%s\nrefused\t%d\nledger entry\t%s\nchanged\t%s\n",
				r.MemberID, quantity(r.Amount, unit), r.Status, refusal(r), r.RetryCount,
				terminal.OrDash(r.MoneyTxID), terminal.When(&r.UpdatedAt, zone))
		})
	}
	spare := []string{"CHANGED", "REFUSED"}
	if c.Failed || c.Status != "" {
		spare = []string{"STATUS", "CHANGED"} // each row has the status that was asked for
	}
	return t.TableSparing(spare, func(w io.Writer) {
		fmt.Fprintln(w, "MEMBER\tAMOUNT\tSTATUS\tREFUSED\tLEDGER ENTRY\tCHANGED\tREASON")
		for _, r := range results {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", r.MemberID, quantity(r.Amount, unit), r.Status,
				r.RetryCount,
				terminal.OrDash(r.MoneyTxID), terminal.When(&r.UpdatedAt, zone), refusal(r))
		}
	}, "LEDGER ENTRY", "REASON")
}

// sayNoResult says why no result of e fits.
func (c *resultsListCmd) sayNoResult(t *terminal.Terminal, e api.Event, absent *api.Absence) {
	switch {
	case absent != nil && absent.ImportID != nil:
		t.Say("%s: %s", c.Member, absent.Text)
		t.Say("see it: bestow targets rejected %d --import %d", e.ID, *absent.ImportID)
	case absent != nil:
		t.Say("%s: %s", c.Member, absent.Text)
	case e.TotalCount == 0:
		t.Say("no result: the event has no member list")
	case e.EventStatus == string(domain.Pending):
		t.Say("no result: the event has not started")
	default:
		t.Say("no result fits")
	}
}

// refusal returns why the ledger refused, by its code and in its words; "-" where it did not.
func refusal(r api.Result) string {
	if r.ErrorCode == nil {
		return "-"
	}
	if r.ErrorMessage == nil {
		return *r.ErrorCode
	}
	return *r.ErrorCode + ": " + terminal.Printable(*r.ErrorMessage)
}
