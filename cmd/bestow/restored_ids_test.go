package main

import (
	"testing"

	"bestow/app"
	"bestow/app/verify"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// After a restore the database does not know an event that was made since the backup, and the ledger elsewhere still
// has its grants. The ids of such events are passed over, so a new event to the same members is granted by itself, and
// verify finds no event that is gone unseen.
func TestIDsThatABackupDoesNotKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ledger := &otherLedger{grants: map[string]map[string]any{}}
	w.asks(w.serveAt(ledger))
	backup := w.backup()
	w.reopen()
	p, end := w.start(t.Context(), quickLooks, campaignRoles...)
	lost := w.event(p, "POINT", 20)
	w.run(p, lost)
	w.completed(p, lost.ID)
	require.Len(t, ledger.granted(), 20)
	end()

	w.cfg.DatabaseURL = backup
	w.reopen()
	last, err := pg.Value(t.Context(), w.pool, func(tx pgx.Tx) (int64, error) { return app.PassOver(t.Context(), tx, 3) })
	require.NoError(t, err)
	require.EqualValues(t, 3, last)
	p, end = w.start(t.Context(), quickLooks, campaignRoles...)
	defer end()
	e := w.event(p, "POINT", 20)
	w.run(p, e)
	require.Equal(t, domain.Completed, w.completed(p, e.ID).Status)
	require.Len(t, ledger.granted(), 40, "each member has been granted by the new event too")
	require.EqualValues(t, 4, e.ID)
	report, err := p.App.Verify.Verify(t.Context(), verify.Query{})
	require.NoError(t, err)
	require.False(t, report.Differs(), report.Conclusion())
}
