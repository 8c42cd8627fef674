package app

import (
	"testing"

	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// The golden catalog is that of a database which the migrations have just made, with one event's own partition in it. After a
// new migration: BESTOW_TEST_GOLDEN=1 go test ./app -run TestSchemaIsWhatMigrationsMake
func TestSchemaIsWhatMigrationsMake(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO campaign_events (id, campaign_id, event_type, created_by) VALUES (`+goldenEvent+`, 'golden', 'POINT', 'test');
		SELECT create_targets_partition('POINT', `+goldenEvent+`), index_targets_partition('POINT', `+goldenEvent+`), attach_targets_partition('POINT', `+goldenEvent+`)`)
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		c, err := readCatalog(t.Context(), tx)
		golden(t, "verify/schema.txt", c.Text())
		return err
	}))
}
