package bench

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"bestow/migrations"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// Kind names the job of a rival.
func (rivalGrant) Kind() string { return "rival" }

// jobsRoad is a River job for each target, which publishes its message.
type jobsRoad struct{ river *river.Client[pgx.Tx] }

type rivalWorker struct {
	river.WorkerDefaults[rivalGrant]
	kafka *rivalKafka
}

// Work publishes the job's message.
func (w *rivalWorker) Work(_ context.Context, job *river.Job[rivalGrant]) error {
	return w.kafka.publish(job.Args)
}

const (
	// rivalWorkers is the number of jobs that are worked at once: they wait for Kafka most of the time.
	rivalWorkers = 200
	rivalQueue   = "rival"
)

// openJobs starts the workers.
func openJobs(ctx context.Context, pool *pgxpool.Pool, k *rivalKafka) (*jobsRoad, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &rivalWorker{kafka: k})
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema: migrations.RiverSchema, Workers: workers, Logger: slog.New(slog.DiscardHandler),
		Queues:        map[string]river.QueueConfig{rivalQueue: {MaxWorkers: rivalWorkers}},
		FetchCooldown: 10 * time.Millisecond, FetchPollInterval: 50 * time.Millisecond,
	})
	if err != nil {
		return nil, fmt.Errorf("make river client: %w", err)
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("start river: %w", err)
	}
	return &jobsRoad{client}, nil
}

// take inserts a job for each grant, by COPY.
func (j *jobsRoad) take(ctx context.Context, tx pgx.Tx, grants []rivalGrant) error {
	params := make([]river.InsertManyParams, len(grants))
	for i, g := range grants {
		params[i] = river.InsertManyParams{Args: g, InsertOpts: &river.InsertOpts{Queue: rivalQueue}}
	}
	if _, err := j.river.InsertManyFastTx(ctx, tx, params); err != nil {
		return fmt.Errorf("insert jobs: %w", err)
	}
	return nil
}

func (j *jobsRoad) stop() error { return j.river.Stop(context.Background()) }
