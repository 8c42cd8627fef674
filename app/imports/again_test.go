package imports

import (
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"bestow/app/command"
	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// A second import adds to the first; what the event has is rejected. Where targets live is decided by the first.
func TestImportTwice(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		threshold int
		own       bool
	}{"in the default partition": {100, false}, "in its own partition": {3, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupImport(t)
			s.targets.sizes.OwnPartition = test.threshold
			other, id := s.Event(), s.Event()
			s.mustImport(other, "member_id,amount\nM1,1\nM9,1\n")
			s.mustImport(id, "member_id,amount\nM1,1\nM2,2\nM3,3\n")
			s.targets.sizes.OwnPartition = 1
			result := s.mustImport(id, "member_id,amount\nM5,5\nM2,20\nM4,4\nM5,50\nM2,200\n")
			require.Equal(t, 2, result.Accepted)
			require.Equal(t, int64(9), result.TotalAmount)
			require.Equal(t, []RejectedRow{
				{Line: 3, Code: domain.ExistingMember, Reason: "the event already has the member", Raw: "M2,20"},
				{Line: 5, FirstLine: 2, Code: domain.DuplicateMember, Reason: "the member stands on line 2 already", Raw: "M5,50"},
				{Line: 6, Code: domain.ExistingMember, Reason: "the event already has the member", Raw: "M2,200"},
			}, s.rejected(id, result.ImportID))
			require.Len(t, s.consistent(id), 5)
			require.Len(t, s.consistent(other), 2)
			table := "point_targets_default"
			if test.own {
				table = fmt.Sprintf("point_targets_%d", id)
			}
			require.EqualValues(t, 5, s.Int(`SELECT count(*) FROM `+table+` WHERE event_id = $1`, id))
			require.Equal(t, test.own, s.Int(`SELECT own_partition::int FROM campaign_events WHERE id = $1`, id) == 1)
			_, err := s.importCSV(id, "member_id,amount\nM1,1\nM2,2\n")
			require.ErrorIs(t, err, &domain.Error{Code: domain.AllRejected})
			require.Len(t, s.consistent(id), 5)
		})
	}
}

// A repeated Idempotency-Key gets the stored answer, even when the event has begun; with another file it is refused.
func TestImportOnce(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	ask := func(file string) (Result, bool, error) {
		by := command.Caller{Actor: "test", Once: &command.Once{Key: "k", Fingerprint: []byte("POST /events/1/targets")}}
		answer, err := s.targets.Import(t.Context(), by, id, Upload{Body: iotest.HalfReader(strings.NewReader(file)), ContentType: typeCSV})
		return answer.Value, answer.Replayed, err
	}
	_, _, err := ask("member_id,amount\nM1,x\n")
	require.ErrorIs(t, err, &domain.Error{Code: domain.AllRejected}, "a refusal is not kept")
	const file = "member_id,amount\nM1,1\nM2,x\n"
	first, replayed, err := ask(file)
	require.NoError(t, err)
	require.False(t, replayed)
	s.Exec(`UPDATE campaign_events SET event_status = 'RUNNING'`)
	second, replayed, err := ask(file)
	require.NoError(t, err)
	require.True(t, replayed)
	require.Equal(t, first, second)
	_, _, err = ask(file + "M3,1\n")
	require.ErrorIs(t, err, &domain.Error{Code: domain.KeyReused})
	require.Len(t, s.consistent(id), 1)
}

// An event that has members already takes large and small lists: each member that it has is told, whichever way it was
// looked for, and the planner is never left to read all of the event for each row.
func TestImportIntoAGrownEvent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		threshold int
		rows      int
		how       lookup
	}{
		{"few rows into its own partition", 1, 20, probeEach},
		{"many rows into its own partition", 1, 500, hashAll},
		{"few rows into the default partition", 1_000_000, 20, hashAll},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := setupImport(t)
			s.targets.sizes.OwnPartition = c.threshold
			id := s.Event()
			s.mustImport(id, string(memberFile(1000)))
			own := c.threshold == 1
			require.Equal(t, c.how, lookupFor(domain.Event{TotalCount: 1000}, &own, c.rows))
			result := s.mustImport(id, string(memberFile(c.rows))+"another,1,\n")
			require.Equal(t, 1, result.Accepted)
			require.Equal(t, c.rows, result.Rejected)
			require.Equal(t, domain.ExistingMember, s.rejected(id, result.ImportID)[0].Code)
		})
	}
	plan := setupImport(t)
	conn, err := plan.Pool.Acquire(t.Context())
	require.NoError(t, err)
	t.Cleanup(conn.Release)
	_, err = conn.Exec(t.Context(), `CREATE TEMP TABLE stage (key text, amount bigint, line bigint, reason text, code text)`)
	require.NoError(t, err)
	require.NoError(t, forbidNestedLoops(t.Context(), conn.Conn()))
	e := domain.Event{ID: 2, TotalCount: 1000, Type: domain.EventType{Code: "POINT"}}
	rows, err := conn.Query(t.Context(), `EXPLAIN `+orderedQuery("stage", e, hashAll))
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.NotContains(t, strings.Join(lines, "\n"), "Nested Loop")
}
