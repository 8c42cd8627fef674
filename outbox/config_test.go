package outbox

import (
	"context"
	"testing"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"
)

// A part of the outbox that lacks something says what, when it is made and not when it is used.
func TestConfigsSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	pool, inserter := new(pgxpool.Pool), new(river.Client[pgx.Tx])
	closes := func(context.Context, int64) error { return nil }
	handle := Handler(func(context.Context, Message) error { return nil })
	for want, c := range map[string]interface{ Validate() error }{
		"relay worker: Pool is missing":                     RelayConfig{Close: closes},
		"relay worker: Close is missing":                    RelayConfig{Pool: pool},
		"replay worker: Pool is missing":                    ReplayConfig{},
		"sweeper: Pool is missing":                          SweeperConfig{River: inserter, ChunksAJob: 1, Patience: 1},
		"sweeper: River is missing":                         SweeperConfig{Pool: pool, ChunksAJob: 1, Patience: 1},
		"sweeper: ChunksAJob is 0, and must be 1 or more":   SweeperConfig{Pool: pool, River: inserter, Patience: 1},
		"sweeper: Patience is 0s, and must be more than 0":  SweeperConfig{Pool: pool, River: inserter, ChunksAJob: 1},
		"sweeper: Patience is -1s, and must be more than 0": SweeperConfig{Pool: pool, River: inserter, ChunksAJob: 1, Patience: -time.Second},
		"router: Handle is missing":                         RouterConfig{Takes: func(domain.EventType) bool { return true }},
		"router: Takes is missing":                          RouterConfig{Handle: handle},
	} {
		require.EqualError(t, c.Validate(), "configure "+want)
	}
	_, err := NewRelayWorker(RelayConfig{})
	require.Error(t, err)
	_, err = NewReplayWorker(ReplayConfig{})
	require.Error(t, err)
	_, err = NewSweeper(SweeperConfig{})
	require.Error(t, err)
	_, err = NewRouter(pool, new(Kafka), RouterConfig{})
	require.EqualError(t, err, "configure router: Handle is missing")
	whole := RouterConfig{Handle: handle, Takes: func(domain.EventType) bool { return true }}
	_, err = NewRouter(pool, nil, whole)
	require.EqualError(t, err, "configure router: the pool or Kafka is missing")
	_, err = NewRouter(nil, new(Kafka), whole)
	require.EqualError(t, err, "configure router: the pool or Kafka is missing")
	quiet, err := NewRelayWorker(RelayConfig{Pool: pool, Close: closes})
	require.NoError(t, err)
	quiet.log.Info("without a logger nothing is logged, and nothing panics")
}
