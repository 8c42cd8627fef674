package verify

import (
	"fmt"
	"strings"
	"testing"

	"bestow/app/audit"
	"bestow/app/command"
	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// audited makes a database with five changes, linked, of which the head was given out after the third.
func audited(t *testing.T) (*pgxpool.Pool, *audit.Audit) {
	t.Helper()
	pool := pgtest.New(t)
	a, err := audit.New(audit.Config{Pool: pool})
	require.NoError(t, err)
	by := command.Caller{Actor: "kim", KeyID: 3, RequestID: "r"}
	for n := range 5 {
		require.NoError(t, pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			return command.Record(t.Context(), tx, by, command.Change{
				Action: "event.start", EventID: int64(n + 1), Before: map[string]any{"event_status": "PENDING"},
				After: map[string]any{"event_status": "RUNNING", "b": 1, "a": 2}, Reason: `it's "time", (really)`,
			})
		}))
		require.NoError(t, a.Link(t.Context()))
		if n == 2 {
			require.NoError(t, a.Anchor(t.Context()))
		}
	}
	return pool, a
}

// auditOf returns what a report finds in the audit.
func auditOf(t *testing.T, pool *pgxpool.Pool, kept *Head) finding {
	t.Helper()
	v := verification{auditHead: kept}
	f := finding{measures: measures{}}
	require.NoError(t, (&Verifier{Config{Pool: pool}}).read(t.Context(), func(tx guarded) error {
		return compareAudit(t.Context(), tx, &v, &f)
	}))
	return f
}

// A change that is written, linked and left alone is no difference, nor is one that is not linked yet.
func TestAuditHolds(t *testing.T) {
	t.Parallel()
	pool, a := audited(t)
	f := auditOf(t, pool, nil)
	require.Zero(t, f.differences, f.examples)
	require.EqualValues(t, 5, f.measures["changes"].Int64())
	require.EqualValues(t, 1, f.measures["heads"].Int64())
	require.NoError(t, pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		return command.Record(t.Context(), tx, command.Caller{Actor: "kim", SessionID: 7},
			command.Change{Action: "x", Object: "y"})
	}))
	f = auditOf(t, pool, nil)
	require.Zero(t, f.differences, f.examples)
	require.EqualValues(t, 1, f.measures["unlinked"].Int64())
	require.NoError(t, a.Link(t.Context()))
	f = auditOf(t, pool, nil)
	require.Zero(t, f.differences, f.examples)
	require.EqualValues(t, 0, f.measures["unlinked"].Int64())
}

// A row that should have its link for long, and has none, is told: who takes the newest links away hides in that.
func TestUnlinkedChangesAreToldLater(t *testing.T) {
	t.Parallel()
	pool, a := audited(t)
	gaps := func() (gaps []Gap) {
		require.NoError(t, (&Verifier{Config{Pool: pool}}).read(t.Context(), func(tx guarded) (err error) {
			gaps, err = unlinkedChanges(t.Context(), tx, nil)
			return err
		}))
		return gaps
	}
	for _, ago := range []string{"9 minutes", "11 minutes"} {
		_, err := pool.Exec(t.Context(), `INSERT INTO audit_log (at, actor, action, object) VALUES (now() - $1::interval, 'kim', 'x', 'y')`, ago)
		require.NoError(t, err)
	}
	require.Empty(t, gaps(), "nobody has linked them")
	_, err := pool.Exec(t.Context(), `INSERT INTO processes (id, roles, version, host, pid, started_at, seen_at)
		VALUES (gen_random_uuid(), '{api,jobs}', 'v', 'h', 1, now() - interval '11 minutes', now() + interval '1 hour')`)
	require.NoError(t, err)
	found := gaps()
	require.Len(t, found, 1)
	require.Contains(t, found[0].Why, "1 change in the audit, older than ten minutes, not linked")
	require.NoError(t, a.Link(t.Context()))
	require.Empty(t, gaps())
}

// rewritten makes the links from the position on anew, as a forger would.
const rewritten = `DO $$
	DECLARE before bytea := coalesce((SELECT hash FROM audit_chain WHERE position = %[1]d - 1), ''); c record;
	BEGIN
		FOR c IN SELECT position, l.* FROM audit_chain JOIN audit_log l ON l.id = audit_id WHERE position >= %[1]d ORDER BY position LOOP
			before := sha256(before || convert_to(ROW(c.id, (extract(epoch FROM c.at) * 1000000)::bigint, c.actor, c.key_id, c.action, c.event_id,
				c.object, c.before::text, c.after::text, c.reason, c.request_id)::text || coalesce(' session ' || c.session_id, ''), 'UTF8'));
			UPDATE audit_chain SET hash = before WHERE position = c.position;
		END LOOP;
	END $$;`

// A row that was changed, taken away or written anew is seen; who makes the whole chain anew is seen by a head that was
// given out.
func TestAuditDiffers(t *testing.T) {
	t.Parallel()
	head := func(t *testing.T, pool *pgxpool.Pool, position int64) *Head {
		t.Helper()
		h := Head{Position: position}
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT hash FROM audit_chain WHERE position = $1`, position).Scan(&h.Hash))
		return &h
	}
	for name, forged := range map[string]struct{ sql, example string }{
		"actor":       {`UPDATE audit_log SET actor = 'lee' WHERE id = 2`, "row 2 of the audit"},
		"reason":      {`UPDATE audit_log SET reason = NULL WHERE id = 4`, "row 4 of the audit"},
		"after":       {`UPDATE audit_log SET after = after || '{"a": 3}' WHERE id = 5`, "row 5 of the audit"},
		"moment":      {`UPDATE audit_log SET at = at + interval '1 microsecond' WHERE id = 1`, "row 1 of the audit"},
		"no key":      {`UPDATE audit_log SET key_id = NULL WHERE id = 3`, "row 3 of the audit"},
		"session":     {`UPDATE audit_log SET session_id = 7 WHERE id = 3`, "row 3 of the audit"},
		"row gone":    {`DELETE FROM audit_log WHERE id = 2`, "row 2 of the audit is gone"},
		"middle gone": {`DELETE FROM audit_log WHERE id = 2; DELETE FROM audit_chain WHERE audit_id = 2`, "positions 2 to 2"},
		"tail gone": {
			`DELETE FROM audit_log WHERE id >= 3; DELETE FROM audit_chain WHERE audit_id >= 3`,
			"the chain ends at 2",
		},
		"swapped": {`UPDATE audit_chain SET position = 9 WHERE position = 4; UPDATE audit_chain SET position = 4 WHERE position = 5;
			UPDATE audit_chain SET position = 5 WHERE position = 9`, "position 4"},
		"made anew": {
			`UPDATE audit_log SET actor = 'lee' WHERE id = 2;` + fmt.Sprintf(rewritten, 2),
			"the head at position 3 was given out as",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, _ := audited(t)
			forge(t, pool, forged.sql)
			f := auditOf(t, pool, nil)
			require.Positive(t, f.differences)
			require.Contains(t, fmt.Sprint(f.examples), forged.example)
		})
	}
	t.Run("rows from before there were sessions keep their hashes", func(t *testing.T) {
		t.Parallel()
		pool, _ := audited(t)
		forge(t, pool, fmt.Sprintf(strings.ReplaceAll(rewritten, " || coalesce(' session ' || c.session_id, '')", ""), 1))
		require.Zero(t, auditOf(t, pool, head(t, pool, 5)).differences)
	})
	t.Run("made anew with the heads", func(t *testing.T) {
		t.Parallel()
		pool, _ := audited(t)
		kept := head(t, pool, 5)
		require.Zero(t, auditOf(t, pool, kept).differences)
		forge(t, pool, `UPDATE audit_log SET actor = 'lee' WHERE id = 2;`+fmt.Sprintf(rewritten, 2)+
			`UPDATE audit_anchors a SET hash = c.hash FROM audit_chain c WHERE c.position = a.position`)
		require.Zero(t, auditOf(t, pool, nil).differences, "the database alone cannot tell")
		f := auditOf(t, pool, kept)
		require.Positive(t, f.differences)
		require.Contains(t, fmt.Sprint(f.examples), "kept elsewhere")
	})
}

// forge changes what triggers refuse to change.
func forge(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `SET session_replication_role = replica; SET CONSTRAINTS ALL DEFERRED; `+sql)
	require.NoError(t, err)
}
