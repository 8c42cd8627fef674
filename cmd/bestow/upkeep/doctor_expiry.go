package upkeep

import (
	"context"
	"slices"

	"bestow/app/processes"
	"bestow/app/reports"
	"bestow/internal/english"
)

// expiry looks whether points expire by themselves, and for those that should have.
func (d *doctor) expiry(ctx context.Context, sys reports.System) {
	const query = `SELECT count(*), coalesce(sum(remaining), 0)::text,
			count(*) FILTER (WHERE expiry_at <= now() - interval '1 hour')
		FROM money.point_lot WHERE remaining > 0 AND expiry_at <= now()`
	var lots, late int64
	var points string
	if err := d.pool.QueryRow(ctx, query).Scan(&lots, &points, &late); err != nil {
		d.say("expiry", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	off := func(p processes.Process) bool { return p.Settings()[processes.ExpirySetting] == "off" }
	switch {
	case slices.ContainsFunc(sys.Processes, off):
		d.say("expiry", Warning, "BESTOW_EXPIRY is off: no points expire by themselves; "+
			"%s with %s points past the expiry", english.Count(lots, "open lot"), english.Group(points))
	case late > 0:
		d.say("expiry", Warning, "%s more than an hour past the expiry: the job expire of the role jobs is behind",
			english.Count(late, "open lot"))
	default:
		d.say("expiry", Fine, "no lot has been open for more than an hour past its expiry")
	}
}
