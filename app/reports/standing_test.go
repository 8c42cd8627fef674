package reports

import (
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// An event that waits for a person, since its reserved time passed before it had a list, stands still for nothing that
// a start of it would meet.
func TestMissedStandsStillForNothing(t *testing.T) {
	t.Parallel()
	brake := Reason{domain.BrakeEngaged, "admin engaged the brake"}
	events := []domain.Event{
		{ID: 1, Status: domain.Pending, Missed: true},
		{ID: 2, Status: domain.Pending},
		{ID: 3, Status: domain.Running, Missed: true}, // a person has started it
	}
	still := standing(events, map[int64][]Reason{
		1: {brake, {domain.Missed, "missed"}}, 2: {brake}, 3: {brake},
	})
	require.Equal(t, []Standing{{Reason: brake, Events: []int64{2, 3}}}, still)
}
