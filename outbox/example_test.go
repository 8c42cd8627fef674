package outbox_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"bestow/domain"
	"bestow/internal/pgtest"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// The transaction that writes the chunks of an event inserts their jobs too: no chunk is without its job, and no job without
// its chunk. The jobs are pending until the event starts.
func ExampleEnqueue() {
	ctx := context.Background()
	pool, closePool := database()
	defer closePool()
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

// database is a database of the example's own.
func database() (*pgxpool.Pool, func()) {
	tb := &exampleTB{}
	return pgtest.New(tb), tb.end
}

// exampleTB is to an example what a testing.T is to a test.
type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (*exampleTB) Helper() {}

func (*exampleTB) Context() context.Context { return context.Background() }

func (tb *exampleTB) Cleanup(f func()) { tb.cleanups = append(tb.cleanups, f) }

func (*exampleTB) Errorf(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }

func (*exampleTB) FailNow() { os.Exit(1) }

func (tb *exampleTB) end() {
	for i := len(tb.cleanups) - 1; i >= 0; i-- {
		tb.cleanups[i]()
	}
}
