package campaign

import (
	"context"
	"fmt"
	"io"

	"bestow/cmd/bestow/terminal"
	"bestow/http/api"
	"bestow/internal/english"
)

// TypeCmd is `bestow type`.
type TypeCmd struct {
	List   typeListCmd   `cmd:"" help:"List event types with their states, units and limits."`
	Create typeCreateCmd `cmd:"" help:"Make an event type while the service runs."`
	Set    typeSetCmd    `cmd:"" help:"Change the unit, the limits, the label or the state of an event type."`
}

type typeListCmd struct{ terminal.Format }

// Run lists the event types.
func (c *typeListCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, err := t.Client()
	if err != nil {
		return err
	}
	types, err := server.EventTypes(ctx)
	if err != nil {
		return err
	}
	return c.Print(t, types, func() error { return printTypes(t, types.Items) })
}

func printTypes(t *terminal.Terminal, types []api.EventType) error {
	err := t.Table(func(w io.Writer) {
		fmt.Fprintln(w, "TYPE\tSTATE\tUNIT\tMAX PER MEMBER\tMAX PER EVENT\tMAX COUNT\tGRANTER\tLABEL")
		for _, y := range types {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", y.EventType, y.State, terminal.OrDash(y.Unit),
				thousandsOrDash(y.MaxPerMember),
				thousandsOrDash(y.MaxPerEvent), thousandsOrDash(y.MaxCount), y.Granter, y.Label)
		}
	}, "LABEL")
	if err != nil {
		return err
	}
	for _, y := range types {
		for _, r := range y.WaitingFor {
			if _, err := fmt.Fprintf(t.Out, "%s waits: %s\n", y.EventType, r.Text); err != nil {
				return err
			}
		}
	}
	return nil
}

type typeCreateCmd struct {
	terminal.Format

	Code         string  `arg:"" help:"The event type: capital letters, digits and _, such as COUPON."`
	Operation    string  `required:"" placeholder:"WHAT" offer:"points,vouchers" help:"What the ledger is asked for: points or vouchers."`
	Granter      string  `default:"money" placeholder:"NAME" help:"The ledger that grants it: a name of BESTOW_GRANTERS (default: ours)."`
	Label        string  `required:"" placeholder:"TEXT" help:"The type's name for people, up to 100 characters."`
	Unit         *string `placeholder:"P" help:"The unit of the amounts, 1 to 10 capital letters."`
	MaxPerMember *int64  `placeholder:"N" help:"The largest amount of one target."`
	MaxPerEvent  *int64  `placeholder:"N" help:"The largest sum of an event's amounts."`
	MaxCount     *int32  `placeholder:"N" help:"The largest number of targets of an event."`
}

// Run makes an event type.
func (c *typeCreateCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, err := t.Client()
	if err != nil {
		return err
	}
	y, err := server.CreateEventType(ctx, api.NewEventType{
		EventType: c.Code, Operation: c.Operation, Granter: c.Granter, Label: c.Label, Unit: c.Unit,
		MaxPerMember: c.MaxPerMember, MaxPerEvent: c.MaxPerEvent, MaxCount: c.MaxCount,
	})
	if err != nil {
		return err
	}
	return c.Print(t, y, func() error { return printTypes(t, []api.EventType{y}) })
}

type typeSetCmd struct {
	terminal.Format

	Code         string  `arg:"" help:"The event type, such as POINT."`
	Unit         *string `placeholder:"P" help:"The unit of the amounts, 1 to 10 capital letters; none clears it."`
	MaxPerMember *string `placeholder:"N" help:"The largest amount of one target; none clears it."`
	MaxPerEvent  *string `placeholder:"N" help:"The largest sum of an event's amounts; none clears it."`
	MaxCount     *string `placeholder:"N" help:"The largest number of targets of an event; none clears it."`
	Label        *string `placeholder:"TEXT" help:"The type's name for people, up to 100 characters."`
	State        *string `placeholder:"STATE" offer:"READY,RETIRED" help:"RETIRED takes no new events, and what it has goes on; READY takes it back."`
}

// Run changes an event type.
func (c *typeSetCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	patch, err := c.patch()
	if err != nil {
		return err
	}
	server, err := t.Client()
	if err != nil {
		return err
	}
	y, err := server.EditEventType(ctx, c.Code, patch)
	if err != nil {
		return err
	}
	return c.Print(t, y, func() error { return printTypes(t, []api.EventType{y}) })
}

// patch returns what the flags say; nil clears.
func (c *typeSetCmd) patch() (map[string]any, error) {
	patch := map[string]any{}
	terminal.Set(patch, "label", c.Label)
	terminal.Set(patch, "state", c.State)
	terminal.Set(patch, "unit", c.Unit)
	if c.Unit != nil && *c.Unit == terminal.None {
		patch["unit"] = nil
	}
	for _, limit := range []struct {
		flag, field string
		value       *string
	}{
		{"--max-per-member", "max_per_member", c.MaxPerMember},
		{"--max-per-event", "max_per_event", c.MaxPerEvent},
		{"--max-count", "max_count", c.MaxCount},
	} {
		if limit.value == nil {
			continue
		}
		if *limit.value == terminal.None {
			patch[limit.field] = nil
			continue
		}
		n, err := terminal.ReadNumber(*limit.value)
		if err != nil {
			return nil, terminal.Usage("%s is %q: write digits only, as in 10000, or none", limit.flag, *limit.value)
		}
		patch[limit.field] = n
	}
	if len(patch) == 0 {
		return nil, terminal.Usage("say what to change")
	}
	return patch, nil
}

// quantityOrDash shows an optional amount.
func quantityOrDash(amount *int64, unit *string) string {
	if amount == nil {
		return "-"
	}
	return quantity(*amount, unit)
}

// thousandsOrDash writes an optional number for people.
func thousandsOrDash[N int | int64](n *N) string {
	if n == nil {
		return "-"
	}
	return english.Number(*n)
}

// quantity writes an amount for people: 2,000 KRW.
func quantity(amount int64, unit *string) string {
	if unit == nil {
		return english.Number(amount)
	}
	return english.Number(amount) + " " + *unit
}
