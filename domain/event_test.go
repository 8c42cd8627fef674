package domain_test

import (
	"errors"
	"testing"
	"time"

	"bestow/domain"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Every move from every status: what is not in this table is refused.
func TestMoves(t *testing.T) {
	t.Parallel()
	to := map[domain.Status]map[domain.Move]domain.Status{
		domain.Pending:   {domain.Start: domain.Running},
		domain.Running:   {domain.Stop: domain.Stopped, domain.Fault: domain.Failed, domain.Close: domain.Completed},
		domain.Stopped:   {domain.Resume: domain.Running},
		domain.Failed:    {domain.Resume: domain.Running},
		domain.Completed: {},
	}
	for _, from := range domain.Statuses() {
		for _, move := range domain.Moves() {
			got, err := from.After(move)
			if want, allowed := to[from][move]; allowed {
				require.NoError(t, err, "%s from %s", move, from)
				require.Equal(t, want, got)
				continue
			}
			e, ok := errors.AsType[*domain.Error](err)
			require.True(t, ok, "%s from %s", move, from)
			require.Equal(t, from, got, "a refused move changes nothing")
			require.Equal(t, domain.WrongStatus, e.Code)
			require.Equal(t, from, e.Current)
			require.NotEmpty(t, e.Hint)
		}
	}
}

// What a person is told to be allowed is what After allows.
func TestAllowedIsTrue(t *testing.T) {
	t.Parallel()
	for _, s := range domain.Statuses() {
		for _, m := range s.Allowed() {
			_, err := s.After(m)
			require.NoError(t, err)
		}
	}
	require.Equal(t, []domain.Move{domain.Stop}, domain.Running.Allowed())
	require.Empty(t, domain.Completed.Allowed())
}

// Whatever people and accidents ask for, an event ends only in COMPLETED and never leaves it.
func TestMovesFromAnyHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := domain.Pending
		var stopped *time.Time
		for _, m := range rapid.SliceOf(rapid.SampledFrom(domain.Moves())).Draw(rt, "moves") {
			before := s
			after, err := s.After(m)
			if err == nil {
				if m == domain.Stop || m == domain.Fault {
					stopped = new(time.Time)
				}
				s = after
				e := domain.Event{Status: s, Summary: domain.Summary{StoppedAt: stopped}}
				for _, again := range domain.Moves() {
					require.Equal(rt, again == m, e.Repeats(again), "%s after %s", again, m)
				}
			}
			if before == domain.Completed {
				require.Equal(rt, domain.Completed, s)
			}
			if before != domain.Pending {
				require.NotEqual(rt, domain.Pending, s, "a started event is never PENDING again")
			}
		}
	})
}

// An event is done when each target has its final result and Kafka has acknowledged each, whichever comes last.
func TestDone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		summary domain.Summary
		want    bool
	}{
		{domain.Summary{Published: 3, Success: 2, Fail: 1}, true},
		{domain.Summary{Published: 3, Success: 2}, false},
		{domain.Summary{Published: 2, Success: 2, Fail: 1}, false},
		{domain.Summary{}, false},
	} {
		require.Equal(t, tt.want, domain.Event{TotalCount: 3, Summary: tt.summary}.Done(), tt.summary)
	}
}
