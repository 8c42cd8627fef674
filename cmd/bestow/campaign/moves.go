package campaign

import (
	"context"
	"fmt"

	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/english"
)

type eventStopCmd struct {
	terminal.EventArg
	terminal.Format

	Memo string `required:"" placeholder:"TEXT" help:"The reason, up to 500 characters; it is shown with the event."`
}

// Run stops an event.
func (c *eventStopCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	stopped, err := server.StopEvent(ctx, e.ID, c.Memo)
	if err != nil {
		return err
	}
	return c.Print(t, stopped, func() error {
		if stopped.Draining > 0 {
			t.Say("claims still open: %s; their grants may still be applied; run the command again",
				english.Number(stopped.Draining))
		} else {
			t.Say("stopped: no grant of it begins any more")
		}
		t.Say("next: bestow event resume %d", e.ID)
		return nil
	})
}

type eventResumeCmd struct {
	terminal.EventArg
	terminal.Format
}

// Run lets a stopped event go on.
func (c *eventResumeCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	resumed, err := server.ResumeEvent(ctx, e.ID)
	if err != nil {
		return err
	}
	return c.Print(t, resumed, func() error {
		t.Say("it goes on; next: bestow event watch %d", e.ID)
		return nil
	})
}

// RetryCmd is `bestow retry`.
type RetryCmd struct {
	terminal.EventArg
	terminal.Format

	ErrorCode *string `placeholder:"CODE" help:"Only members that were given up with this error code. Default: all."`
	DryRun    bool    `help:"Only count; change nothing."`
}

// Run tries again what was given up.
func (c *RetryCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	r, err := server.Retry(ctx, e.ID, api.Retry{ErrorCode: c.ErrorCode, DryRun: c.DryRun})
	if err != nil {
		return err
	}
	var failures map[string]int
	if r.Matched == 0 && r.Accepted == 0 {
		p, err := server.Progress(ctx, e.ID)
		if err != nil {
			return err
		}
		failures = p.Failures
	}
	if c.ErrorCode != nil && *c.ErrorCode != "" && r.Expired == 0 && len(failures) > 0 && failures[*c.ErrorCode] == 0 {
		return domain.NotFoundError(
			fmt.Sprintf("nothing to try again: no member was given up with the error code %q", *c.ErrorCode),
			"given up"+byCode(failures)+"; without --error-code all of them are tried again",
		)
	}
	return c.Print(t, r, func() error {
		if r.Accepted > 0 {
			t.Say("next: bestow event watch %d", e.ID)
		}
		_, err := fmt.Fprintln(t.Out, c.said(r, failures))
		return err
	})
}

// said returns what came of it, in words; failures counts the members that are given up, by their codes.
func (c *RetryCmd) said(r api.Retried, failures map[string]int) string {
	switch {
	case r.Matched == 0 && r.Expired > 0:
		return "given up and left so: " + english.Count(r.Expired, "member") +
			"; the event's expiry_at has passed, and the ledger would refuse them again"
	case r.Matched == 0 && r.Accepted == 0 && len(failures) > 0:
		return "nothing to try again: what was given up" + byCode(failures) + " is being tried again already"
	case r.Matched == 0 && r.Accepted == 0:
		return "nothing to try again: no member was given up"
	case c.DryRun:
		return "given up, and would be tried again: " + english.Count(r.Matched, "member")
	}
	return fmt.Sprintf("given up: %s; tried again: %s", english.Count(r.Matched, "member"), english.Number(r.Accepted))
}
