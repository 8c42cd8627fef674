// Package eventtest is a database with events in it, for the tests of app's rooms: no Kafka, no ledger.
package eventtest

import (
	"fmt"
	"testing"

	"bestow/domain"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"
)

// DB is a migrated database of one test.
type DB struct {
	testing.TB

	Pool  *pgxpool.Pool
	River *river.Client[pgx.Tx] // inserts jobs
	made  int
}

// New returns an empty database, which is dropped when the test ends.
func New(tb testing.TB) *DB {
	tb.Helper()
	pool := pgtest.New(tb)
	rc, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: "river"})
	require.NoError(tb, err)
	return &DB{TB: tb, Pool: pool, River: rc}
}

// Event makes a PENDING POINT event and returns its id. set is further SQL for its row, as in "default_amount = 10".
func (d *DB) Event(set ...string) int64 {
	d.Helper()
	d.made++
	id := d.Int(`INSERT INTO campaign_events (campaign_id, event_type, created_by)
		VALUES ($1, 'POINT', 'test') RETURNING id`, fmt.Sprintf("campaign-%d", d.made))
	d.Exec(`INSERT INTO campaign_event_summary (event_id) VALUES ($1)`, id)
	for _, assignment := range set {
		d.Exec(`UPDATE campaign_events SET `+assignment+` WHERE id = $1`, id)
	}
	return id
}

// Exec runs SQL.
func (d *DB) Exec(sql string, args ...any) {
	d.Helper()
	_, err := d.Pool.Exec(d.Context(), sql, args...)
	require.NoError(d, err)
}

// Int returns what a query of one number returns.
func (d *DB) Int(sql string, args ...any) (n int64) {
	d.Helper()
	require.NoError(d, d.Pool.QueryRow(d.Context(), sql, args...).Scan(&n))
	return n
}

// Text returns what a query of one text returns.
func (d *DB) Text(sql string, args ...any) (text string) {
	d.Helper()
	require.NoError(d, d.Pool.QueryRow(d.Context(), sql, args...).Scan(&text))
	return text
}

// Target is a row of the targets as tests compare it.
type Target struct {
	ID, Amount int64
	Partition  int
	Member     string
	Reason     string
}

// Targets returns the targets of a POINT event, by id.
func (d *DB) Targets(eventID int64) []Target {
	d.Helper()
	rows, err := d.Pool.Query(d.Context(), `SELECT id, amount, partition_key, member_id, coalesce(reason, '') FROM point_targets
		WHERE event_id = $1 ORDER BY id`, eventID)
	require.NoError(d, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Target])
	require.NoError(d, err)
	return all
}

// Chunks returns the chunks of an event whose count is right, by their first ids.
func (d *DB) Chunks(eventID int64) []domain.Chunk {
	d.Helper()
	rows, err := d.Pool.Query(d.Context(), `SELECT event_id, partition_key, first_id, last_id FROM grant_chunks
		WHERE event_id = $1 AND target_count = last_id - first_id + 1 ORDER BY first_id`, eventID)
	require.NoError(d, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Chunk])
	require.NoError(d, err)
	return all
}
