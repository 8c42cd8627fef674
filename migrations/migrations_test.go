package migrations_test

import (
	"sync"
	"testing"

	"bestow/internal/pgtest"
	"bestow/migrations"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Ten processes that migrate one empty database at once do no harm, and again changes nothing.
func TestTenMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	require.Error(t, migrations.Current(t.Context(), url), "nothing is there yet")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { assert.NoError(t, migrations.Up(t.Context(), url)) })
	}
	wg.Wait()
	require.NoError(t, migrations.Current(t.Context(), url))
	require.NoError(t, migrations.Up(t.Context(), url))
	steps, err := migrations.Status(t.Context(), url)
	require.NoError(t, err)
	require.NotEmpty(t, steps)
}
