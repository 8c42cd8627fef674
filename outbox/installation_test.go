package outbox

import (
	"testing"
	"time"

	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// An installation is given a new id when all of its processes are stopped, and what it names none of is no longer its own.
func TestRenewInstallation(t *testing.T) {
	t.Parallel()
	r := &room{TB: t, pool: pgtest.New(t)}
	r.exec(`UPDATE installation SET unnamed_are_ours = true`)
	before, err := ReadInstallation(t.Context(), r.pool)
	require.NoError(t, err)
	require.True(t, before.UnnamedAreOurs)
	renew := func() (Installation, error) {
		return pg.Value(t.Context(), r.pool, func(tx pgx.Tx) (Installation, error) { return RenewInstallation(t.Context(), tx) })
	}
	r.exec(`INSERT INTO processes (id, roles, version, host, pid) VALUES (gen_random_uuid(), '{relay}', 'v', 'h', 1)`)
	_, err = renew()
	require.ErrorContains(t, err, "stop all of them first")
	after, err := ReadInstallation(t.Context(), r.pool)
	require.NoError(t, err)
	require.Equal(t, before, after)

	r.exec(`UPDATE processes SET seen_at = now() - interval '31 seconds'`)
	session, err := pgx.Connect(t.Context(), r.pool.Config().ConnString())
	require.NoError(t, err)
	_, err = session.Exec(t.Context(), `SET application_name = 'bestow-relay'`)
	require.NoError(t, err)
	_, err = renew()
	require.ErrorContains(t, err, "open connections: 1")
	require.NoError(t, session.Close(t.Context()))

	var given Installation
	require.Eventually(t, func() bool { given, err = renew(); return err == nil }, 10*time.Second, 10*time.Millisecond, "the session ends when the server sees it")
	require.NotEqual(t, before.ID, given.ID)
	after, err = ReadInstallation(t.Context(), r.pool)
	require.NoError(t, err)
	require.Equal(t, Installation{ID: given.ID}, after)
}
