package outbox_test

import (
	"context"
	"fmt"

	"bestow/domain"
	"bestow/internal/pgtest"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// The transaction that writes the chunks of an event inserts their jobs too: no chunk is without its job, and no job
// without its chunk. The jobs are pending until the event starts.
func ExampleEnqueue() {
	ctx := context.Background()
	pool, end := pgtest.Example()
	defer end()
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: "river"})
	if err != nil {
		fmt.Println(err)
		return
	}
	chunks := []domain.Chunk{{EventID: 7, First: 1, Last: 100}, {EventID: 7, First: 101, Last: 150}}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// INSERT INTO grant_chunks …
		return outbox.Enqueue(ctx, tx, client, domain.Runs(chunks, 8)) // at most 8 chunks a job
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var state, args string
	if err := pool.QueryRow(ctx, `SELECT state, args FROM river.river_job`).Scan(&state, &args); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(state, args)
	// Output:
	// pending {"try": 0, "mode": "first", "last_id": 150, "event_id": 7, "first_id": 1, "partition_key": 0}
}
