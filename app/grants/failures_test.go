package grants

import (
	"log/slog"
	"testing"

	"bestow/app/listkey"
	"bestow/app/verify"
	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/eventtest"
	"bestow/internal/keys"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// I39 tells a failure by its code and by how its memo begins, which the code that fails an event writes.
func TestFailuresSayWhy(t *testing.T) {
	t.Parallel()
	db := eventtest.New(t)
	id := db.Event("total_count = 1")
	db.Exec(`UPDATE campaign_event_summary SET started_at = now()`)
	grants := &Grants{pool: db.Pool, log: slog.New(slog.DiscardHandler)}
	stop := func(err error) error { return grants.faultContent(t.Context(), domain.Chunk{EventID: id}, err) }
	for name, fail := range map[string]func() error{
		"content changed": func() error { return stop(content.Changed("x")) },
		"no master key":   func() error { return stop(listkey.Missing(keys.ErrNoMaster)) },
		"a bare key":      func() error { return stop(listkey.Missing(keys.ErrBare)) },
		"another key":     func() error { return stop(listkey.Missing(seal.ErrOpen)) },
		"keys of PINs":    func() error { return grants.faultKeys(t.Context(), id) },
		"mismatch": func() error {
			return pgx.BeginFunc(t.Context(), db.Pool,
				func(tx pgx.Tx) error { return grants.fault(t.Context(), tx, domain.Chunk{EventID: id}) })
		},
	} {
		db.Exec(`UPDATE campaign_events SET event_status = 'RUNNING', failure_code = NULL`)
		require.NoError(t, fail())
		require.Equal(t, "FAILED", db.Text(`SELECT event_status FROM campaign_events`), name)
		verifier, err := verify.New(verify.Config{Pool: db.Pool})
		require.NoError(t, err)
		report, err := verifier.Verify(t.Context(), verify.Query{})
		require.NoError(t, err)
		for _, i := range report.Invariants {
			require.False(t, i.ID == "I39" && i.Differences > 0, "%s: %v", name, i.Examples)
		}
	}
}
