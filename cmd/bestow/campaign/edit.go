package campaign

import (
	"context"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/internal/english"
)

type eventEditCmd struct {
	terminal.EventArg
	terminal.Format

	CampaignID          *string  `placeholder:"ID" help:"The source campaign's id."`
	Name                *string  `placeholder:"TEXT" help:"What people call the event."`
	EventType           *string  `placeholder:"TYPE" help:"What to grant; can change only while there are no targets."`
	DefaultAmount       *int64   `placeholder:"N" help:"The amount of members without an amount in a later list."`
	DefaultReason       *string  `placeholder:"TEXT" help:"The reason of members without a reason in the list."`
	ExpiryAt            string   `placeholder:"TIME" help:"When the granted points or vouchers expire."`
	PartitionCount      *int     `placeholder:"N" help:"How many partitions are processed in parallel; can change only while there are no targets."`
	ReservationAt       string   `placeholder:"TIME" help:"When to start, in whole seconds."`
	ReservationPriority *int     `placeholder:"N" help:"Events that are reserved for the same second run one after another, the lower number first."`
	Clear               []string `placeholder:"FIELD" enum:"name,default_amount,default_reason,expiry_at,reservation_at,reservation_priority" help:"Fields to clear: ${enum}."`
}

// Run changes an event as it is when the command begins.
func (c *eventEditCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	patch, err := c.patch(zone)
	if err != nil {
		return err
	}
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	_, tag, err := server.EventTag(ctx, e.ID)
	if err != nil {
		return err
	}
	if e, err = server.EditEvent(ctx, e.ID, tag, patch); err != nil {
		return err
	}
	return showEvent(t, c.Format, e, nil)
}

// patch returns what the flags say; nil clears.
func (c *eventEditCmd) patch(zone *time.Location) (map[string]any, error) {
	patch := map[string]any{}
	terminal.Set(patch, "campaign_id", c.CampaignID)
	terminal.Set(patch, "name", c.Name)
	terminal.Set(patch, "event_type", c.EventType)
	terminal.Set(patch, "default_amount", c.DefaultAmount)
	terminal.Set(patch, "default_reason", c.DefaultReason)
	terminal.Set(patch, "partition_count", c.PartitionCount)
	terminal.Set(patch, "reservation_priority", c.ReservationPriority)
	expiry, err := terminal.ReadTime("--expiry-at", c.ExpiryAt, zone)
	if err != nil {
		return nil, err
	}
	terminal.Set(patch, "expiry_at", expiry)
	reservation, err := terminal.ReadTime("--reservation-at", c.ReservationAt, zone)
	if err != nil {
		return nil, err
	}
	terminal.Set(patch, "reservation_at", reservation)
	for _, name := range c.Clear {
		if _, said := patch[name]; said {
			return nil, terminal.Usage("%s is both set and cleared", name)
		}
		patch[name] = nil
	}
	if len(patch) == 0 {
		return nil, terminal.Usage("say what to change")
	}
	return patch, nil
}

type eventDeleteCmd struct{ terminal.EventArg }

// Run deletes an event.
func (c *eventDeleteCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	if err := server.DeleteEvent(ctx, e.ID); err != nil {
		return err
	}
	t.Say("event %d is deleted, with %s", e.ID, english.Count(e.TotalCount, "target"))
	return nil
}
