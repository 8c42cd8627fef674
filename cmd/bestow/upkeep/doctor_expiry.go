package upkeep

import (
	"context"
	"slices"

	"bestow/app/processes"
	"bestow/app/reports"
	"bestow/internal/english"
	"bestow/money/moneydb"
)

// expiry looks whether points expire by themselves, and for those that should have.
func (d *doctor) expiry(ctx context.Context, sys reports.System) {
	overdue, err := moneydb.ReadOverdue(ctx, d.pool)
	if err != nil {
		d.say("expiry", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	off := func(p processes.Process) bool { return p.Settings()[processes.ExpirySetting] == "off" }
	switch {
	case slices.ContainsFunc(sys.Processes, off):
		d.say("expiry", Warning, "BESTOW_EXPIRY is off: no points expire by themselves; "+
			"%s with %s points past the expiry", english.Count(overdue.Lots, "open lot"), english.Group(overdue.Points))
	case overdue.Late > 0:
		d.say("expiry", Warning, "%s more than an hour past the expiry: the job expire of the role jobs is behind",
			english.Count(overdue.Late, "open lot"))
	default:
		d.say("expiry", Fine, "no lot has been open for more than an hour past its expiry")
	}
}
