package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/english"
)

// finishEarlier waits for the events that a demo before this one had begun when it was killed, and proves them too.
func (d *demo) finishEarlier(ctx context.Context) error {
	if err := d.forgetUnbegun(ctx); err != nil {
		return err
	}
	events, total, err := d.earlier(ctx, domain.Running)
	if err != nil || len(events) == 0 {
		return err
	}
	began := time.Now()
	d.step("0", "Finishes", "%s of a killed demo with %s. First Kafka and River must notice that its process is gone: "+
		"up to a minute and a half …", english.Count(len(events), "event"), english.Count(total, "member"))
	if _, err := d.watch(ctx, events, d.newBar(total, false)); err != nil {
		return err
	}
	for _, e := range events {
		report, err := d.compare(ctx, e)
		if err != nil {
			return err
		}
		if !report.OK {
			return errors.Join(fmt.Errorf("the proof of event %d of an earlier demo does not hold: "+
				"this is a fault of bestow", e.ID), report.Write(d.out))
		}
	}
	d.step("", "Finished", "in %.1f s: every member granted once or refused for good, all invariants hold",
		time.Since(began).Seconds())
	return nil
}

// forgetUnbegun deletes the events of a demo that was killed before it started them.
func (d *demo) forgetUnbegun(ctx context.Context) error {
	events, _, err := d.earlier(ctx, domain.Pending)
	if err != nil {
		return err
	}
	for _, e := range events {
		if _, err := d.process.App.Events.Delete(ctx, demoCaller, e.ID,
			func(domain.Event) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// earlier are the demo's events in a status, and how many members they have.
func (d *demo) earlier(ctx context.Context, status domain.Status) (events []domain.Event, total int, err error) {
	all, err := d.process.App.Events.List(ctx, eventrow.Filter{Statuses: []domain.Status{status}, Limit: 1000})
	if err != nil {
		return nil, 0, err
	}
	for _, e := range all {
		if madeByDemo(e) {
			events, total = append(events, e), total+e.TotalCount
		}
	}
	return events, total, nil
}

// madeByDemo reports whether a demo made the event.
func madeByDemo(e domain.Event) bool {
	return e.CreatedBy == demoCaller.Actor && strings.HasPrefix(e.CampaignID, demoCampaign)
}
