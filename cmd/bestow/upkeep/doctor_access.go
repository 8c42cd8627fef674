package upkeep

import (
	"context"
	"time"

	"bestow/app/access"
	"bestow/app/reports"
	"bestow/internal/english"
)

// soonExpired is how long before its end a key is named.
const soonExpired = 14 * 24 * time.Hour

// keys names the keys that are in use and expire soon: the first one to notice would be the script that has it.
func (d *doctor) keys(ctx context.Context) {
	a, err := access.New(access.Config{Pool: d.pool})
	if err != nil {
		d.say("keys", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	all, err := a.List(ctx)
	if err != nil {
		d.say("keys", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	for _, k := range all {
		left := k.ExpiresAt.Sub(d.now())
		if k.RevokedAt == nil && k.LastUsedAt != nil && left > 0 && left < soonExpired {
			d.say("keys", Warning, "key %d of %s (%s…) expires at %s: make another one with `bestow key create --name %s`",
				k.ID, k.Name, k.Prefix, k.ExpiresAt.UTC().Format(time.RFC3339), k.Name)
		}
	}
}

// types names the event types that are being made now. Those that cannot be are told by installed.
func (d *doctor) types(ctx context.Context, r *reports.Reports) {
	unmade, err := r.UnmadeTypes(ctx)
	if err != nil {
		d.say("event types", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	for _, t := range unmade {
		if len(t.WaitingFor) == 0 {
			d.say("event types", Warning, "%s is being made, by a process with the role jobs", t.Code)
		}
	}
}
