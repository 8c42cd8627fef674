package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode"

	"bestow/domain"
	"bestow/http/api"
	"bestow/http/client"
)

type resultsCmd struct {
	List resultsListCmd `cmd:"" help:"List results by member, with the reason of each refusal."`
}

type resultsListCmd struct {
	eventArg
	format
	paging

	Status    string `enum:",PENDING,SUCCESS,FAILED,PERMANENTLY_FAILED" default:"" help:"Only results in this status."`
	Failed    bool   `help:"Only members that were given up: the same as --status PERMANENTLY_FAILED."`
	ErrorCode string `placeholder:"CODE" help:"Only results with this error code: bestow event show shows the codes."`
	Member    string `placeholder:"ID" help:"Only this member."`
}

// Run lists what became of the members of an event.
func (c *resultsListCmd) Run(ctx context.Context, t *terminal) error {
	if err := c.check(); err != nil {
		return err
	}
	status := c.Status
	if c.Failed {
		if status != "" && status != "PERMANENTLY_FAILED" {
			return usage("--failed is --status PERMANENTLY_FAILED: leave one of the two out")
		}
		status = "PERMANENTLY_FAILED"
	}
	zone, err := t.zone()
	if err != nil {
		return err
	}
	server, e, err := c.find(ctx, t)
	if err != nil {
		return err
	}
	f := client.ResultFilter{Status: status, ErrorCode: c.ErrorCode, MemberID: c.Member, Limit: c.Limit, Cursor: c.Cursor}
	page, err := server.Results(ctx, e.ID, f)
	if err != nil {
		return err
	}
	return c.print(t, page, func() error {
		t.sayMore(page.NextCursor)
		if len(page.Items) == 0 {
			t.say("%s", noResult(e, c.Member))
		}
		return table(t.out, func(w io.Writer) {
			fmt.Fprintln(w, "MEMBER\tAMOUNT\tSTATUS\tREFUSED\tLEDGER ENTRY\tCHANGED\tREASON")
			for _, r := range page.Items {
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", r.MemberID, quantity(r.Amount, e.Unit), r.Status, r.RetryCount,
					orDash(r.MoneyTxID), when(&r.UpdatedAt, zone), refusal(r))
			}
		})
	})
}

// noResult is why no result of e fits; member is "" where it was not asked for.
func noResult(e api.Event, member string) string {
	switch {
	case e.TotalCount == 0:
		return "no result: the event has no member list"
	case e.EventStatus == string(domain.Pending):
		return "no result: the event has not started"
	case member == "":
		return "no result fits"
	case e.EventStatus == string(domain.Completed):
		return fmt.Sprintf("%s is not in the list of the event; if its row was rejected, bestow targets rejected %d shows it", member, e.ID)
	}
	return fmt.Sprintf("%s has no result yet, or is not in the list of the event", member)
}

// refusal is why the ledger refused, by its code and in its words; "-" where it did not.
func refusal(r api.Result) string {
	if r.ErrorCode == nil {
		return "-"
	}
	if r.ErrorMessage == nil {
		return *r.ErrorCode
	}
	return *r.ErrorCode + ": " + printable(*r.ErrorMessage)
}

// printable writes a text of another program for a terminal: what is not seen there is a blank.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}
