package upkeep

import (
	"context"
	"time"

	"bestow/app/access"
	"bestow/app/eventrow"
	"bestow/app/types"
	"bestow/internal/english"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
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

// types names the event types that are still being made, and why the last try failed.
func (d *doctor) types(ctx context.Context) {
	err := pg.InTx(ctx, d.pool, func(tx pgx.Tx) error {
		all, err := eventrow.AllTypes(ctx, tx)
		if err != nil {
			return err
		}
		why, err := types.LastFailure(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range all {
			switch {
			case t.State.Made():
			case why == "":
				d.say("event types", Warning, "%s is being made, by a process with the role jobs", t.Code)
			default:
				d.say("event types", Wrong, "%s cannot be made yet: %s", t.Code, english.OneLine(why))
			}
		}
		return nil
	})
	if err != nil {
		d.say("event types", Wrong, "%s", english.OneLine(err.Error()))
	}
}
