package main

import (
	"context"
	"errors"
	"fmt"

	"bestow/app"
	"bestow/internal/pg"
)

// verifyCmd is `bestow verify`. It reads DATABASE_URL, since the proof must not depend on the service that it judges.
type verifyCmd struct {
	format

	Event  *string `arg:"" optional:"" help:"The event's id or campaign_id; id:7 or campaign:7 where a number is both. Default: all events."`
	Repair bool    `help:"First recount the counters that do not agree with the rows. Results, totals and the ledger are never touched."`
}

// errDiffers is the end of a verify that found a difference: the report has said it all.
var errDiffers = errors.New("the invariants do not all hold")

// verified is what the command prints for machines.
type verified struct {
	app.VerifyReport

	Repaired []app.Repaired `json:"repaired,omitempty"`
}

// Run checks every invariant, after recounting where that is asked for. It fails if one does not hold.
func (c *verifyCmd) Run(ctx context.Context, t *terminal) error {
	if c.Event != nil && *c.Event == "" {
		return usage("the event's name is empty: give an id or a campaign_id, or nothing for all events")
	}
	cfg, err := loadConfig()
	if err != nil {
		return err
	}
	// A report may be read from a standby, or by a role that can only read; a repair writes.
	pool, err := openDatabase(ctx, cfg, pg.Options{Standby: !c.Repair})
	if err != nil {
		return err
	}
	defer pool.Close()
	return c.verify(ctx, t, &app.Reports{Deps: app.Deps{Pool: pool}})
}

func (c *verifyCmd) verify(ctx context.Context, t *terminal, reports *app.Reports) (err error) {
	query := app.VerifyQuery{RemoteLedger: t.env("BESTOW_MONEY_URL") != ""}
	if c.Event != nil {
		query.Event = *c.Event
	}
	var v verified
	if c.Repair {
		if v.Repaired, err = reports.Repair(ctx, query); err != nil {
			return err
		}
	}
	if v.VerifyReport, err = reports.Verify(ctx, query); err != nil {
		return err
	}
	if err := c.print(t, v, func() error { return c.write(t, v) }); err != nil {
		return err
	}
	if !v.OK {
		return errDiffers
	}
	return nil
}

// write prints what was repaired, then the report.
func (c *verifyCmd) write(t *terminal, v verified) error {
	for _, r := range v.Repaired {
		fmt.Fprintf(t.out, "repaired: %s\n", r)
	}
	if c.Repair && len(v.Repaired) == 0 {
		fmt.Fprintln(t.out, "nothing to repair: every counter is what the rows say")
	}
	if c.Repair {
		fmt.Fprintln(t.out)
	}
	zone, err := t.zone()
	if err != nil {
		return err
	}
	v.CheckedAt = v.CheckedAt.In(zone)
	return v.Write(t.out)
}
