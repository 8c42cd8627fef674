package reports

import (
	"testing"
	"time"

	"bestow/app/processes"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// A start is foretold only where nothing is wrong with the installation, for the next event of a free lane and for
// those behind it.
func TestNoStartIsForetoldWhileSomethingIsWrong(t *testing.T) {
	t.Parallel()
	due := noon.Add(-time.Hour)
	for name, tt := range map[string]struct {
		waiting []Reason
		want    *time.Time
	}{
		"nothing":             {nil, &noon},
		"an ordinary reason":  {[]Reason{{Code: domain.NoTargets}}, &noon},
		"no process":          {[]Reason{{Code: processes.RoleJobs}}, nil},
		"a paused queue":      {[]Reason{{Code: JobsQueuePaused}}, nil},
		"a database to read":  {[]Reason{{Code: DatabaseReadOnly}}, nil},
		"one of two is wrong": {[]Reason{{Code: Reserved}, {Code: processes.RoleRelay}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pending := func() Queued {
				return Queued{
					Event:      domain.Event{Status: domain.Pending, ReservationAt: &due, TotalCount: 1},
					WaitingFor: tt.waiting,
				}
			}
			lane := Lane{ReservationAt: due, Events: []Queued{pending(), pending()}}
			lane.forecast(noon)
			require.Equal(t, tt.want, lane.Events[0].ExpectedStart)
			require.Nil(t, lane.Events[1].ExpectedStart, "a lane that nothing runs in has no rate")
			require.Equal(t, domain.LaneBusy, lane.Events[1].WaitsFor)
		})
	}
}
