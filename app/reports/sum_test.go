package reports

import (
	"math/rand/v2"
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// Whatever the counters say, each target is in one part, and no part is negative.
func TestSumAddsUp(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		total := random.IntN(1_000)
		n := func() int { return random.IntN(total + 3) }
		p := Progress{
			Event: domain.Event{
				TotalCount: total, Summary: domain.Summary{Success: n(), Fail: n(), Published: n()},
			},
			InFlight: n(), Unknown: n(), WaitingRetry: n(), Lag: Lag{Kafka: Waiting{Targets: n()}},
		}
		s := sumOf(p)
		parts := []int{s.Granted, s.GivenUp, s.Waiting, s.Unknown, s.InHand, s.InKafka, s.Unsent}
		sum := 0
		for _, part := range parts {
			require.GreaterOrEqual(t, part, 0, "%+v of %+v", s, p)
			sum += part
		}
		require.Equal(t, total, sum, "%+v of %+v", s, p)
	}
}

// A member that was refused once and is tried again now is in hand, and not counted twice.
func TestSumCountsOnce(t *testing.T) {
	t.Parallel()
	p := Progress{
		Event: domain.Event{
			TotalCount: 100, Summary: domain.Summary{Success: 40, Fail: 5, Published: 80},
		},
		InFlight: 10, WaitingRetry: 3, Unknown: 2,
	}
	require.Equal(t, Sum{
		Total: 100, Granted: 40, GivenUp: 5, InHand: 10, Unsent: 20, Unknown: 2, Waiting: 3, InKafka: 20,
	}, sumOf(p))
	p.Lag.Kafka.Targets = 25
	require.Equal(t, Sum{
		Total: 100, Granted: 40, GivenUp: 5, InHand: 10, Unsent: 20, InKafka: 25,
	}, sumOf(p), "the refused and the unknown are among those in hand")
	p.Event.Summary, p.Lag = domain.Summary{Success: 92, Fail: 5, Published: 100}, Lag{}
	p.InFlight, p.Unknown, p.WaitingRetry = 3, 0, 3
	require.Equal(t, Sum{Total: 100, Granted: 92, GivenUp: 5, InHand: 3}, sumOf(p))
}
