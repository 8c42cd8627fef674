package main

import (
	"testing"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/terminal"
	"bestow/cmd/bestow/upkeep"
	"bestow/domain"
	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// copied is a ledger in a database of its own that is a copy of w's: it has the same id and the same pairing.
func (w *world) copied() *world {
	w.Helper()
	theCopy := newWorld(w)
	var id, installation string
	require.NoError(w, w.pool.QueryRow(w.Context(), `SELECT id, installation FROM money.ledger`).Scan(&id,
		&installation))
	theCopy.exec(`UPDATE money.ledger SET id = $1, installation = $2, paired_at = now()`, id, installation)
	theCopy.exec(`UPDATE installation SET id = gen_random_uuid()`)
	return theCopy
}

// reopen opens w's database again after its pool was closed.
func (w *world) reopen() {
	w.Helper()
	var err error
	w.pool, err = daemon.OpenPool(w.Context(), w.cfg)
	require.NoError(w, err)
	w.Cleanup(w.pool.Close)
}

// newLedgerID returns what `bestow ledger new-id` does, from a connection of its own.
func (w *world) newLedgerID(installation string) (id money.Identity, err error) {
	w.Helper()
	conn, err := pgx.Connect(w.Context(), w.cfg.DatabaseURL)
	require.NoError(w, err)
	defer func() { _ = conn.Close(w.Context()) }()
	err = pgx.BeginFunc(w.Context(), conn, func(tx pgx.Tx) (err error) {
		id, err = upkeep.RenewLedger(w.Context(), tx, installation)
		return err
	})
	return id, err
}

// D2, D3: a copy of a used ledger that has an id of its own is not asked by the installation of the original, and by
// another one only if it was named: the events wait until the address leads to the original again.
func TestCopiedLedger(t *testing.T) {
	t.Parallel()
	w, original := newWorld(t), newWorld(t)
	original.exec(`UPDATE installation SET id = gen_random_uuid()`) // worlds are copies of one database
	original.otherLedgerID()
	service := original.ledgerService()
	ledger := w.serveAt(service)
	w.asks(ledger)
	p, _ := w.start(t.Context(), quickLooks, campaignRoles...)
	first := w.event(p, "POINT", 100)
	w.run(p, first)
	require.Equal(t, 100, w.completed(p, first.ID).Summary.Success)

	theCopy := original.copied()
	theCopy.pool.Close()
	fresh, err := theCopy.newLedgerID("")
	require.NoError(t, err)
	require.Equal(t, w.installation(), fresh.Installation, "so that no other installation takes it")
	theCopy.reopen()
	ledger.become(theCopy.ledgerService())
	e := w.event(p, "POINT", 300)
	w.run(p, e)
	require.Contains(t, w.waitsFor(p, e), "it is the ledger "+fresh.ID)
	require.Contains(t, w.ready(p), `"waits_for":["money"]`)
	require.Zero(t, theCopy.count(`SELECT count(*) FROM money.point_member`))
	require.Zero(t, w.count(`SELECT fail_count FROM campaign_event_summary WHERE event_id = $1`, e.ID))

	ledger.become(service)
	require.Equal(t, 300, w.completed(p, e.ID).Summary.Success)
	require.Equal(t, 400, original.count(`SELECT count(*) FROM money.point_member`))
}

// A copied ledger gets its own id where nothing uses it, and takes the grants of the installation that was copied with
// it.
func TestNewLedgerID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`UPDATE installation SET id = gen_random_uuid()`)
	const theirs, staging = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	w.exec(`UPDATE money.ledger SET installation = $1, paired_at = now()`, theirs)

	_, err := w.newLedgerID("")
	require.ErrorContains(t, err, "stop all of them first", "the pool of this test is a session of bestow")
	w.pool.Close()
	_, err = w.newLedgerID(theirs)
	require.ErrorIs(t, err, &domain.Error{Code: domain.Invalid})
	require.ErrorContains(t, err, "grants by the ledger that this one was copied from")
	first, err := w.newLedgerID("")
	require.NoError(t, err)
	require.Equal(t, theirs, first.Installation)
	second, err := w.newLedgerID(staging)
	require.NoError(t, err)
	require.NotEqual(t, first.ID, second.ID)
	require.Equal(t, staging, second.Installation)
	w.reopen()
	w.exec(`UPDATE money.ledger SET installation = (SELECT id FROM installation)`)
	w.pool.Close()
	_, err = w.newLedgerID("")
	require.ErrorContains(t, err, "the installation of this database grants by this ledger")
}

// The command line says which ledger it is, and refuses what is no id.
func TestLedgerCommands(t *testing.T) { // not parallel: it sets the environment
	w := newWorld(t)
	t.Setenv("DATABASE_URL", w.cfg.DatabaseURL)
	w.pool.Close()
	s := &shell{TB: t}
	out, _ := s.done("ledger show")
	require.Regexp(t, `^ledger_id        [0-9a-f-]{36}\ninstallation_id  -\n$`, out)
	code, _, errs := s.run("ledger new-id --installation kim")
	require.Equal(t, terminal.ExitUsage, code)
	require.Contains(t, errs, "`bestow installation show` prints it")
	fresh, _ := s.done("ledger new-id -o json --installation 22222222-2222-4222-8222-222222222222")
	require.Contains(t, fresh, `"installation_id": "22222222-2222-4222-8222-222222222222"`)
	again, _ := s.done("ledger show -o json")
	require.Equal(t, fresh, again)
	require.NotContains(t, again, out[len("ledger_id        "):][:36])
}
