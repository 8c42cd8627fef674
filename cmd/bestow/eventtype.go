package main

import (
	"context"
	"fmt"
	"io"

	"bestow/http/api"
	"bestow/internal/english"
)

type typeCmd struct {
	List typeListCmd `cmd:"" help:"List event types with their units and limits."`
	Set  typeSetCmd  `cmd:"" help:"Change the unit, the limits or the label of an event type."`
}

type typeListCmd struct{ format }

// Run lists the event types.
func (c *typeListCmd) Run(ctx context.Context, t *terminal) error {
	server, err := t.client()
	if err != nil {
		return err
	}
	types, err := server.EventTypes(ctx)
	if err != nil {
		return err
	}
	return c.print(t, types, func() error { return printTypes(t.out, types.Items) })
}

func printTypes(out io.Writer, types []api.EventType) error {
	return table(out, func(w io.Writer) {
		fmt.Fprintln(w, "TYPE\tUNIT\tMAX PER MEMBER\tMAX PER EVENT\tMAX COUNT\tGRANTER\tLABEL")
		for _, y := range types {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", y.EventType, orDash(y.Unit), thousandsOrDash(y.MaxPerMember),
				thousandsOrDash(y.MaxPerEvent), thousandsOrDash(y.MaxCount), y.Granter, y.Label)
		}
	})
}

type typeSetCmd struct {
	format

	Code         string  `arg:"" help:"The event type, such as POINT."`
	Unit         *string `placeholder:"P" help:"The unit of the amounts, 1 to 10 capital letters; none clears it."`
	MaxPerMember *string `placeholder:"N" help:"The largest amount of one target; none clears it."`
	MaxPerEvent  *string `placeholder:"N" help:"The largest sum of an event's amounts; none clears it."`
	MaxCount     *string `placeholder:"N" help:"The largest number of targets of an event; none clears it."`
	Label        *string `placeholder:"TEXT" help:"The type's name for people, up to 100 characters."`
}

// Run changes an event type.
func (c *typeSetCmd) Run(ctx context.Context, t *terminal) error {
	patch, err := c.patch()
	if err != nil {
		return err
	}
	server, err := t.client()
	if err != nil {
		return err
	}
	y, err := server.EditEventType(ctx, c.Code, patch)
	if err != nil {
		return err
	}
	return c.print(t, y, func() error { return printTypes(t.out, []api.EventType{y}) })
}

// none is the value of a flag that clears.
const none = "none"

// patch is what the flags say; nil clears.
func (c *typeSetCmd) patch() (map[string]any, error) {
	patch := map[string]any{}
	set(patch, "label", c.Label)
	set(patch, "unit", c.Unit)
	if c.Unit != nil && *c.Unit == none {
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
		if *limit.value == none {
			patch[limit.field] = nil
			continue
		}
		n, err := readNumber(*limit.value)
		if err != nil {
			return nil, usage("%s is %q: write digits only, as in 10000, or none", limit.flag, *limit.value)
		}
		patch[limit.field] = n
	}
	if len(patch) == 0 {
		return nil, usage("say what to change")
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
