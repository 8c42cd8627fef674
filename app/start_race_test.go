package app

import (
	"errors"
	"io"
	"strings"
	"testing"

	"bestow/app/command"
	"bestow/app/imports"
	"bestow/domain"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// A start that meets an import is refused, one that comes after it runs with everything: whoever is first (F38).
func TestImportStartRace(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	events := s.app.Events
	id := s.Event()
	list, upload := io.Pipe()
	imported := make(chan error, 1)
	go func() {
		u := imports.Upload{Body: list, ContentType: "text/csv"}
		_, err := s.app.Targets.Import(t.Context(), command.Caller{Actor: "test"}, id, u)
		imported <- err
	}()
	// so that the import has begun
	_, err := upload.Write([]byte("member_id,amount\nM1,1\n" + strings.Repeat("\n", 1<<17)))
	require.NoError(t, err)
	_, _, err = events.Start(t.Context(), command.Caller{Actor: "test"}, id)
	require.ErrorIs(t, err, &domain.Error{Code: domain.ImportRunning})
	require.NoError(t, upload.Close())
	require.NoError(t, <-imported)
	for range pgtest.Times(t, "BESTOW_TEST_RACES", 10) {
		id := s.Event()
		s.mustImport(id, "member_id,amount\nM0,1\n")
		var imported, started error
		var group errgroup.Group
		group.Go(func() error { imported = s.importCSV(id, "member_id,amount\nM1,1\n"); return nil })
		group.Go(func() error { _, _, started = events.Start(t.Context(), command.Caller{Actor: "test"}, id); return nil })
		require.NoError(t, group.Wait())
		targets := s.Int(`SELECT count(*) FROM point_targets WHERE event_id = $1`, id)
		require.Equal(t, targets, s.Int(`SELECT total_count FROM campaign_events WHERE id = $1`, id))
		require.Equal(t, targets,
			s.Int(`SELECT coalesce(sum(target_count), 0) FROM grant_chunks WHERE event_id = $1`, id))
		if imported != nil {
			refused, ok := errors.AsType[*domain.Error](imported)
			require.True(t, ok, "%v", imported)
			require.Contains(t, []domain.Code{domain.WrongStatus, domain.ImportRunning}, refused.Code)
			require.EqualValues(t, 1, targets)
		}
		if started != nil {
			require.ErrorIs(t, started, &domain.Error{Code: domain.ImportRunning})
		} else {
			require.Zero(t, s.Int(`SELECT count(*) FROM river.river_job
				WHERE state = 'pending' AND args @> jsonb_build_object('event_id', $1::bigint)`, id),
				"a job was left pending in a running event")
		}
	}
}
