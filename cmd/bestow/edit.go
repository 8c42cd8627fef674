package main

import (
	"context"
	"time"

	"bestow/internal/english"
)

type eventEditCmd struct {
	eventArg
	format

	CampaignID          *string  `placeholder:"ID" help:"The source campaign's id."`
	EventType           *string  `placeholder:"TYPE" help:"What to grant; can change only while there are no targets."`
	DefaultAmount       *int64   `placeholder:"N" help:"The amount of members without an amount in a later list."`
	DefaultReason       *string  `placeholder:"TEXT" help:"The reason of members without a reason in the list."`
	ExpiryAt            string   `placeholder:"TIME" help:"When the granted points or vouchers expire."`
	PartitionCount      *int     `placeholder:"N" help:"How many partitions are processed in parallel; can change only while there are no targets."`
	ReservationAt       string   `placeholder:"TIME" help:"When to start, in whole seconds."`
	ReservationPriority *int     `placeholder:"N" help:"Events that are reserved for the same second run one after another, the lower number first."`
	Clear               []string `placeholder:"FIELD" enum:"default_amount,default_reason,expiry_at,reservation_at,reservation_priority" help:"Fields to clear: ${enum}."`
}

// Run changes an event as it is when the command begins.
func (c *eventEditCmd) Run(ctx context.Context, t *terminal) error {
	zone, err := t.zone()
	if err != nil {
		return err
	}
	patch, err := c.patch(zone)
	if err != nil {
		return err
	}
	server, e, err := c.find(ctx, t)
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
	return c.show(t, e, nil)
}

// patch is what the flags say; nil clears.
func (c *eventEditCmd) patch(zone *time.Location) (map[string]any, error) {
	patch := map[string]any{}
	set(patch, "campaign_id", c.CampaignID)
	set(patch, "event_type", c.EventType)
	set(patch, "default_amount", c.DefaultAmount)
	set(patch, "default_reason", c.DefaultReason)
	set(patch, "partition_count", c.PartitionCount)
	set(patch, "reservation_priority", c.ReservationPriority)
	expiry, err := readTime("--expiry-at", c.ExpiryAt, zone)
	if err != nil {
		return nil, err
	}
	set(patch, "expiry_at", expiry)
	reservation, err := readTime("--reservation-at", c.ReservationAt, zone)
	if err != nil {
		return nil, err
	}
	set(patch, "reservation_at", reservation)
	for _, name := range c.Clear {
		if _, said := patch[name]; said {
			return nil, usage("%s is both set and cleared", name)
		}
		patch[name] = nil
	}
	if len(patch) == 0 {
		return nil, usage("say what to change")
	}
	return patch, nil
}

func set[T any](patch map[string]any, name string, value *T) {
	if value != nil {
		patch[name] = *value
	}
}

type eventDeleteCmd struct{ eventArg }

// Run deletes an event.
func (c *eventDeleteCmd) Run(ctx context.Context, t *terminal) error {
	server, e, err := c.find(ctx, t)
	if err != nil {
		return err
	}
	if err := server.DeleteEvent(ctx, e.ID); err != nil {
		return err
	}
	t.say("event %d is deleted, with %s", e.ID, english.Count(e.TotalCount, "target"))
	return nil
}
