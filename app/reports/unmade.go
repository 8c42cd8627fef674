package reports

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"bestow/app/eventrow"
	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/english"
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
	failures, err := selectMakeFailures(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		unmade = append(unmade, UnmadeType{t, l.making(t.Code, failures[t.Code])})
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

// failedType begins what the job that makes types says of one. The code is the first group.
var failedType = regexp.MustCompile(`(?m)^make event type ([A-Z][A-Z0-9_]*): `)

// selectMakeFailures reads why types could not be made the last time, by their codes.
func selectMakeFailures(ctx context.Context, tx pgx.Tx) (map[string]string, error) {
	const query = `SELECT coalesce(max(errors[cardinality(errors)]->>'error'), '') FROM (SELECT errors FROM river.river_job
		WHERE kind = 'make_types' AND state <> 'completed' ORDER BY id DESC LIMIT 1) j`
	var said string
	if err := tx.QueryRow(ctx, query).Scan(&said); err != nil {
		return nil, fmt.Errorf("read why event types cannot be made: %w", err)
	}
	failures := map[string]string{}
	found := failedType.FindAllStringSubmatchIndex(said, -1)
	for i, at := range found {
		end := len(said)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		failures[said[at[2]:at[3]]] = english.OneLine(strings.TrimSpace(said[at[1]:end]))
	}
	return failures, nil
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
