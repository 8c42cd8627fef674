package campaign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/client"
	"bestow/internal/english"
)

// ParkedCmd is `bestow parked`.
type ParkedCmd struct {
	List   parkedListCmd   `cmd:"" help:"List parked messages, newest first."`
	Replay parkedReplayCmd `cmd:"" help:"Publish parked messages again, for example those of a newer version after the upgrade."`
}

type parkedListCmd struct {
	terminal.Format
	terminal.Paging

	Cause string `enum:",undecodable,foreign,newer_version" default:"" help:"Only those with this cause: undecodable, foreign or newer_version."`
	Open  bool   `help:"Only those that are not replayed yet, or that were parked again."`
}

// Run lists parked messages.
func (c *parkedListCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	if err := c.Check(); err != nil {
		return err
	}
	server, zone, err := t.ClientAndZone()
	if err != nil {
		return err
	}
	f := client.ParkedFilter{Cause: c.Cause, Limit: c.Limit, Cursor: c.Cursor}
	if c.Open {
		f.Replayed = new(bool)
	}
	page, err := server.Parked(ctx, f)
	if err != nil {
		return err
	}
	return c.Print(t, page, func() error {
		t.SayMore(page.NextCursor)
		return printParked(t, page.Items, zone)
	})
}

func printParked(t *terminal.Terminal, list []api.Parked, zone *time.Location) error {
	return t.TableSparing([]string{"BYTES", "PARTITION", "OFFSET", "PARKED"}, func(w io.Writer) {
		fmt.Fprintln(w, "ID\tCAUSE\tTOPIC\tPARTITION\tOFFSET\tBYTES\tPARKED\tREPLAYED\tDETAIL")
		for _, p := range list {
			replayed := terminal.When(p.ReplayedAt, zone)
			if p.Replaying {
				replayed = "under way"
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t%.60q\n", p.ID, p.Cause, p.Topic, p.Partition,
				p.Offset, p.Size,
				terminal.When(&p.At, zone), replayed, p.Detail)
		}
	}, "TOPIC", "DETAIL")
}

type parkedReplayCmd struct {
	terminal.Format

	ID    []int64 `arg:"" optional:"" help:"The ids of the messages."`
	Cause string  `enum:",undecodable,foreign,newer_version" default:"" help:"All open messages with this cause: undecodable, foreign or newer_version."`
}

// Run asks for each message to be published again.
func (c *parkedReplayCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	if (len(c.ID) == 0) == (c.Cause == "") {
		return terminal.Usage("say which messages: their ids, or --cause")
	}
	server, err := t.Client()
	if err != nil {
		return err
	}
	ids := c.ID
	if c.Cause != "" {
		if ids, err = waiting(ctx, server, c.Cause); err != nil {
			return err
		}
	}
	replayed := make([]api.Parked, 0, len(ids))
	var refused []error
	for _, id := range ids {
		p, err := server.ReplayParked(ctx, id)
		switch {
		case domain.IsCode(err, domain.NotReplayable):
			refused = append(refused, fmt.Errorf("message %d: %w", id, err))
		case err != nil:
			return fmt.Errorf("message %d, after %d were replayed: %w", id, len(replayed), err)
		default:
			replayed = append(replayed, p)
		}
	}
	err = c.Print(t, replayed, func() error {
		t.Say("see what came of it: bestow parked list")
		_, err := fmt.Fprintln(t.Out, "published again:", english.Count(len(replayed), "message"))
		return err
	})
	return errors.Join(append(refused, err)...)
}

// waiting are the ids of a cause's messages that were not replayed yet, or that came back.
func waiting(ctx context.Context, server *client.Client, cause string) (ids []int64, err error) {
	f := client.ParkedFilter{Cause: cause, Replayed: new(bool), Limit: 1000}
	for {
		page, err := server.Parked(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, p := range page.Items {
			ids = append(ids, p.ID)
		}
		if page.NextCursor == nil {
			return ids, nil
		}
		f.Cursor = *page.NextCursor
	}
}
