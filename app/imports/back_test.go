package imports

import (
	"fmt"
	"strings"
	"testing"

	"bestow/app/command"
	"bestow/app/verify"
	"bestow/domain"
	"bestow/internal/keys"

	"github.com/stretchr/testify/require"
)

// proved requires that a report on all events is green but for what needs a master key.
func (s *importTest) proved() {
	s.Helper()
	v, err := verify.New(verify.Config{Pool: s.Pool, Keys: keys.Store{Table: keys.Content}, Zone: "Asia/Seoul"})
	require.NoError(s, err)
	report, err := v.Verify(s.Context(), verify.Query{})
	require.NoError(s, err)
	for _, i := range report.Invariants {
		if i.ID == "I42" {
			continue // the test's events are made without their counter of ids
		}
		require.Zero(s, i.Differences, "%s: %s", i.ID, i.Examples)
	}
}

// An import that is taken back leaves the event as the other imports made it: the members may come again, the others
// stay, and the proof holds, also of answers that tell of it.
func TestTakeBack(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	s.targets.sizes.MessageTargets, s.targets.sizes.RelayChunks = 2, 2
	id, other := s.Event(), s.Event()
	s.mustImport(other, "member_id,amount\nM1,1\n")
	kim := command.Caller{Actor: "kim"}
	wrong, err := s.targets.Import(t.Context(),
		command.Caller{Actor: "kim", Once: &command.Once{Key: "wrong", Fingerprint: []byte{1}}}, id,
		Upload{Body: strings.NewReader("member_id,amount\nM1,1\nM2,2\nM3,3\nM4,4\nM5,5\nM6,x\n"), ContentType: typeCSV})
	require.NoError(t, err)
	s.mustImport(id, "member_id,amount\nM7,7\nM8,8\nM9,9\n")
	s.proved()
	require.NoError(t, s.targets.TakeBack(t.Context(), kim, id, wrong.Value.ImportID))
	left := s.consistent(id)
	require.Len(t, left, 3)
	s.proved()
	require.Zero(t, s.Int(`SELECT count(*) FROM rejected_rows`))
	require.Len(t, s.consistent(other), 1)
	require.ErrorIs(t, s.targets.TakeBack(t.Context(), kim, id, wrong.Value.ImportID), &domain.Error{Code: domain.NotFound})
	require.ErrorIs(t, s.targets.TakeBack(t.Context(), kim, other, wrong.Value.ImportID), &domain.Error{Code: domain.NotFound})

	_, err = s.targets.Import(t.Context(),
		command.Caller{Actor: "kim", Once: &command.Once{Key: "wrong", Fingerprint: []byte{1}}}, id,
		Upload{Body: strings.NewReader("member_id,amount\nM1,1\nM2,2\nM3,3\nM4,4\nM5,5\nM6,x\n"), ContentType: typeCSV})
	require.ErrorIs(t, err, &domain.Error{Code: domain.Undone}, "a repeated key tells of no list that is gone")
	require.Len(t, s.consistent(id), 3)

	s.mustImport(id, "member_id,amount\nM1,1\nM2,20\n")
	require.Len(t, s.consistent(id), 5)
	s.proved()
	require.EqualValues(t, 1, s.Int(`SELECT count(*) FROM audit_log WHERE action = 'import.take_back' AND object = $1`,
		fmt.Sprintf("import %d of event %d", wrong.Value.ImportID, id)))
}

// An event whose only list is taken back is as if it had none, and takes another one.
func TestTakeBackTheOnlyOne(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	r := s.mustImport(id, "member_id,amount\nM1,1\n")
	require.NoError(t, s.targets.TakeBack(t.Context(), command.Caller{Actor: "kim"}, id, r.ImportID))
	require.Empty(t, s.consistent(id))
	s.proved()
	s.mustImport(id, "member_id,amount\nM1,1\nM2,2\n")
	require.Len(t, s.consistent(id), 2)
	s.proved()
}

// Nothing is taken back from an event that has begun, nor while a list comes in.
func TestTakeBackRefused(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	r := s.mustImport(id, "member_id,amount\nM0,1\n")
	kim := command.Caller{Actor: "kim"}
	_, err := s.whileImporting(id, command.Caller{Actor: "test"}, func() {
		require.ErrorIs(t, s.targets.TakeBack(t.Context(), kim, id, r.ImportID), &domain.Error{Code: domain.ImportRunning})
	})
	require.NoError(t, err)
	s.Exec(`UPDATE campaign_events SET event_status = 'RUNNING' WHERE id = $1`, id)
	require.ErrorIs(t, s.targets.TakeBack(t.Context(), kim, id, r.ImportID), &domain.Error{Code: domain.WrongStatus})
	require.EqualValues(t, 3, s.Int(`SELECT count(*) FROM point_targets WHERE event_id = $1`, id))
}
