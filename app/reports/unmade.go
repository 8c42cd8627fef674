package reports

import (
	"context"
	"fmt"
	"slices"

	"bestow/app/eventrow"
	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// TypeUnmade is the code of an event type whose tables or topics could not be made the last time that it was tried.
const TypeUnmade domain.Code = "type_unmade"

// UnmadeType is an event type that is being made.
type UnmadeType struct {
	eventrow.Type

	WaitingFor []Reason // none: nothing is known to keep it
}

// UnmadeTypes returns the event types that are being made, by their codes, and what they wait for.
func (s *Reports) UnmadeTypes(ctx context.Context) ([]UnmadeType, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) ([]UnmadeType, error) {
		l, err := processes.Read(ctx, tx)
		if err != nil {
			return nil, err
		}
		return look{Installation: l}.unmade(ctx, tx)
	})
}

func (l look) unmade(ctx context.Context, tx pgx.Tx) (unmade []UnmadeType, err error) {
	all, err := eventrow.AllTypes(ctx, tx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(t eventrow.Type) bool { return t.State.Made() })
	if len(all) == 0 {
		return nil, nil
	}
	failed, err := selectMakeFailures(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		unmade = append(unmade, UnmadeType{t, l.making(t.Code, failed.Of(t.Code))})
	}
	return unmade, nil
}

// making says what a type waits for that is being made, and of which a try failed for the given cause, "" for none.
func (l look) making(code, failure string) []Reason {
	if l.ReadOnly {
		return []Reason{readOnly}
	}
	reasons := l.role(processes.RoleJobs)
	if failure != "" {
		reasons = append(reasons, Reason{TypeUnmade, "event type " + code + " cannot be made yet: " + failure})
	}
	return reasons
}

// selectMakeFailures reads why types could not be made the last time.
func selectMakeFailures(ctx context.Context, tx pgx.Tx) (u processes.Unmade, err error) {
	const query = `SELECT coalesce(max(errors[cardinality(errors)]->>'error'), '') FROM (SELECT errors FROM river.river_job
		WHERE kind = 'make_types' AND state <> 'completed' ORDER BY id DESC LIMIT 1) j`
	var said string
	if err := tx.QueryRow(ctx, query).Scan(&said); err != nil {
		return u, fmt.Errorf("read why event types cannot be made: %w", err)
	}
	return processes.ReadUnmade(said), nil
}

// addUnmade adds what types that are being made wait for, unless an event stands still for the same.
func addUnmade(all []Standing, unmade []UnmadeType) []Standing {
	for _, t := range unmade {
		for _, r := range t.WaitingFor {
			if !slices.ContainsFunc(all, func(s Standing) bool { return s.Reason == r }) {
				all = append(all, Standing{Reason: r, Events: []int64{}})
			}
		}
	}
	return all
}
