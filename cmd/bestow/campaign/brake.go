package campaign

import (
	"context"
	"fmt"
	"io"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/english"
)

// BrakeCmd is `bestow brake`.
type BrakeCmd struct {
	On     brakeOnCmd     `cmd:"" help:"Engage the brake: stop the running events, and let no event start or resume."`
	Off    brakeOffCmd    `cmd:"" help:"Release the brake: events whose time has come start; stopped events stay stopped until they are resumed."`
	Status brakeStatusCmd `cmd:"" help:"Show the engaged brakes."`
}

// brakeOrder says which brake, and why.
type brakeOrder struct {
	Scope string `default:"all" placeholder:"SCOPE" offer:"all,type:POINT,type:VOUCHER" help:"The events that the brake holds: all, or those of one type, such as type:POINT. Default: all."`
	Memo  string `required:"" placeholder:"TEXT" help:"The reason, up to 500 characters."`
}

func (o brakeOrder) wire() api.BrakeOrder { return api.BrakeOrder{Scope: o.Scope, Memo: o.Memo} }

type brakeOnCmd struct {
	terminal.Format
	brakeOrder
}

// Run engages a brake.
func (c *brakeOnCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, err := t.Client()
	if err != nil {
		return err
	}
	braked, err := server.EngageBrake(ctx, c.wire())
	if err != nil {
		return err
	}
	return c.Print(t, braked, func() error {
		open := 0
		for _, e := range braked.Items {
			open += e.Draining
			if _, err := fmt.Fprintf(t.Out, "event %d, %s: %s\n", e.ID, e.CampaignID, e.EventStatus); err != nil {
				return fmt.Errorf("print: %w", err)
			}
		}
		if open > 0 {
			t.Say("claims still open: %s; their grants may still be applied; run the command again",
				english.Number(open))
		} else {
			t.Say("the brake %s is engaged: no grant in its scope begins any more", braked.Brake.Scope)
		}
		t.Say("next: bestow brake off --scope %s --memo TEXT; then bestow event resume for each event that is to go on",
			braked.Brake.Scope)
		return nil
	})
}

type brakeOffCmd struct {
	terminal.Format
	brakeOrder
}

// Run releases a brake.
func (c *brakeOffCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, zone, err := t.ClientAndZone()
	if err != nil {
		return err
	}
	engaged, err := server.Brakes(ctx)
	if err != nil {
		return err
	}
	if err := c.check(engaged); err != nil {
		return err
	}
	left, err := server.ReleaseBrake(ctx, c.wire())
	if err != nil {
		return err
	}
	return c.Print(t, left, func() error {
		t.Say("the brake %s is released: reserved events that are due start now; "+
			"stopped events stay stopped until they are resumed", c.Scope)
		t.Say("next: bestow event list --status STOPPED, and bestow event resume EVENT for each that is to go on")
		return printBrakes(t, left, zone)
	})
}

// check refuses to release a brake that is not engaged: the one that is meant may be another, which holds on.
func (c *brakeOffCmd) check(engaged api.Brakes) error {
	hint := "no brake is engaged at all"
	for i, b := range engaged.Items {
		if b.Scope == c.Scope {
			return nil
		}
		if i == 0 {
			hint = "engaged is:"
		}
		hint += fmt.Sprintf(" %s (bestow brake off --scope %s --memo TEXT)", b.Scope, b.Scope)
	}
	return domain.NotFoundError("the brake "+c.Scope+" is not engaged", hint)
}

type brakeStatusCmd struct{ terminal.Format }

// Run shows the engaged brakes.
func (c *brakeStatusCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, zone, err := t.ClientAndZone()
	if err != nil {
		return err
	}
	brakes, err := server.Brakes(ctx)
	if err != nil {
		return err
	}
	return c.Print(t, brakes, func() error { return printBrakes(t, brakes, zone) })
}

func printBrakes(t *terminal.Terminal, brakes api.Brakes, zone *time.Location) error {
	if !brakes.Engaged {
		_, err := fmt.Fprintln(t.Out, "no brake is engaged")
		return err
	}
	return t.Table(func(w io.Writer) {
		fmt.Fprintln(w, "SCOPE\tBY\tSINCE\tMEMO")
		for _, b := range brakes.Items {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", b.Scope, b.By, terminal.When(&b.Since, zone), b.Memo)
		}
	}, "MEMO")
}
