// Package checks finds what is unusual in the lists of an event that has not started, and keeps that a person has read
// it: the console starts nothing that has a finding which nobody has read.
//
// Start with Checks.Find. rules.go has what is unusual. What was read stands in the audit log, with who and when: there
// is no second record that could differ from it.
//
// What it must never do: refuse a list. What cannot be right is refused by the import and by the limits of types.
package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Checks are the use cases of findings.
type Checks struct{ pool *pgxpool.Pool }

// New returns the use cases, or says what they lack.
func New(pool *pgxpool.Pool) (*Checks, error) {
	if pool == nil {
		return nil, errors.New("the checks need a pool")
	}
	return &Checks{pool}, nil
}

// Finding is something unusual in the lists of an event.
type Finding struct {
	Code  domain.Code
	Value int64  // the amount that is unusual; 0 for none
	Usual int64  // what it is compared with; 0 for none
	Count int    // how many rows or notices it stands for; 0 for none
	Text  string // of what an import noticed: the first notice; it may name members
	Read  *Reading

	list int64 // the newest list: of the event, or of what an import noticed the newest that has it
}

// Reading says who has read a finding, and when.
type Reading struct {
	By string
	At time.Time
}

// Key names a finding of an event with its numbers: who has read it of other lists has not read this one.
func (f Finding) Key() string { return fmt.Sprintf("%s.%d.%d.%d", f.Code, f.Value, f.Count, f.list) }

// Unread returns the findings that nobody has read.
func Unread(all []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f Finding) bool { return f.Read != nil })
}

// Find returns what is unusual in the lists of an event; nothing once it has started. Error: domain.NotFound.
func (c *Checks) Find(ctx context.Context, eventID int64) ([]Finding, error) {
	return pg.ValueWithin(ctx, c.pool, pg.ReadWait, func(tx pgx.Tx) ([]Finding, error) { return find(ctx, tx, eventID) })
}

// Settled returns domain.ChecksUnread unless a person has read all that is unusual in the lists of an event. Other
// error: domain.NotFound.
func (c *Checks) Settled(ctx context.Context, eventID int64) error {
	all, err := c.Find(ctx, eventID)
	if err != nil {
		return err
	}
	return refusalOf(Unread(all))
}

func refusalOf(unread []Finding) error {
	if len(unread) == 0 {
		return nil
	}
	return domain.ChecksUnreadError(len(unread))
}

// read is what the audit keeps of a reading.
type read struct {
	Read []string `json:"read"` // the findings' keys
}

// Read keeps that the caller has read the findings with the keys, if those are all that nobody had read. A key of a
// finding that is not there any more is passed over. Errors: domain.NotFound, ChecksUnread, and those of a key.
func (c *Checks) Read(ctx context.Context, by command.Caller, eventID int64, keys []string) error {
	_, err := command.Run(ctx, c.pool, by, command.Command[struct{}]{Do: func(tx pgx.Tx) (none struct{}, err error) {
		all, err := find(ctx, tx, eventID)
		if err != nil {
			return none, err
		}
		var kept read
		left := slices.DeleteFunc(Unread(all), func(f Finding) bool {
			said := slices.Contains(keys, f.Key())
			if said {
				kept.Read = append(kept.Read, f.Key())
			}
			return said
		})
		if err := refusalOf(left); err != nil || len(kept.Read) == 0 {
			return none, err
		}
		return none, command.Record(ctx, tx, by, command.Change{Action: readAction, EventID: eventID, After: kept})
	}})
	return err
}

func find(ctx context.Context, tx pgx.Tx, eventID int64) ([]Finding, error) {
	e, err := eventrow.Select(ctx, tx, eventID)
	if err != nil || e.Status != domain.Pending || e.Summary.StartedAt != nil {
		return nil, err
	}
	lists, err := selectLists(ctx, tx, eventID)
	if err != nil || len(lists) == 0 {
		return nil, err
	}
	usual, err := selectUsual(ctx, tx, e)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(amountsOf(e, lists, usual), noticesOf(lists))
	if len(all) == 0 {
		return nil, nil
	}
	readings, err := selectReadings(ctx, tx, eventID)
	if err != nil {
		return nil, err
	}
	for i, f := range all {
		if r, is := readings[f.Key()]; is {
			all[i].Read = &r
		}
	}
	return all, nil
}
