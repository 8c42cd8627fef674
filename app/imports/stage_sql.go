package imports

import (
	"context"
	"fmt"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// createStage makes an empty stage for an event into which another session imports, and returns its name. No vacuum
// ever looks at it.
func createStage(ctx context.Context, conn *pgx.Conn, eventID int64) (table string, err error) {
	if err := conn.QueryRow(ctx, `SELECT create_import_stage($1)`, eventID).Scan(&table); err != nil {
		return "", fmt.Errorf("create stage: %w", err)
	}
	// A stage need not survive a crash. More work_mem would not make the sort faster, only later: what was spilled is
	// merged while it is read. The connection ends with the import, and its settings with it.
	const settings = `SET synchronous_commit = off; SET work_mem = '16MB'; SET jit = off; SET statement_timeout = 0`
	if _, err := conn.Exec(ctx, settings); err != nil {
		return "", fmt.Errorf("prepare stage: %w", err)
	}
	return table, nil
}

// dropStage drops the stage of an event with a word, unless it is gone already.
const dropStage = `SELECT drop_import_stage($1, $2)`

// fillStage is the statement that stageFiller's rows go into. key is NULL where code is not, and amount where the row
// takes the event's default.
func fillStage(table string) string {
	return `COPY ` + table + ` (line, amount, key, reason, raw, code) FROM STDIN (FORMAT binary)`
}

// stageNames lists all stages that are there, those of other processes too.
func stageNames(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	const query = `SELECT relname::text FROM pg_class WHERE starts_with(relname, $1) AND relname >= $1 AND relname < $1 || 'a'
		AND relkind = 'r' AND pg_table_is_visible(oid)`
	rows, err := conn.Query(ctx, query, stagePrefix)
	if err != nil {
		return nil, fmt.Errorf("list stages: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list stages: %w", err)
	}
	return names, nil
}

// A growing event is asked for its members in one of two ways, since statistics know nothing of a new event and the
// planner left alone may read all of it for each row of the upload.
type lookup int

const (
	noMembers lookup = iota // the event has none
	hashAll                 // all of them once, beside the upload: nested loops are off
	probeEach               // the index of its own partition, for each row: for few rows into many
)

// lookupFor chooses by how many members e has, where they live, and how many rows come.
func lookupFor(e domain.Event, own *bool, rows int) lookup {
	switch {
	case e.TotalCount == 0:
		return noMembers
	case own != nil && *own && e.TotalCount/10 > rows:
		return probeEach
	}
	return hashAll
}

// forbidNestedLoops is for the rest of the stage's session.
func forbidNestedLoops(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `SET enable_nestloop = off`); err != nil {
		return fmt.Errorf("set planner: %w", err)
	}
	return nil
}

// What may become targets, in their order, from the stage %[1]s, with whether the event %[3]d has the member already in
// the table %[2]s: not asked, by the hash of all its members, or by the key of each.
const (
	orderedAlone = `
		SELECT key, amount, line, reason
		FROM %[1]s
		WHERE code IS NULL
		ORDER BY key, line`
	orderedByHash = `
		SELECT staged.key, staged.amount, staged.line, staged.reason, target.member_id IS NOT NULL
		FROM %[1]s AS staged
		LEFT JOIN (
		    SELECT member_id FROM %[2]s WHERE event_id = %[3]d
		) AS target ON target.member_id = substr(staged.key, 2)
		WHERE staged.code IS NULL
		ORDER BY staged.key, staged.line`
	orderedByProbe = `
		SELECT staged.key, staged.amount, staged.line, staged.reason, target.member_id IS NOT NULL
		FROM %[1]s AS staged
		LEFT JOIN LATERAL (
		    SELECT member_id FROM %[2]s WHERE event_id = %[3]d AND member_id = substr(staged.key, 2) LIMIT 1
		) AS target ON true
		WHERE staged.code IS NULL
		ORDER BY staged.key, staged.line`
)

// orderedQuery reads what may become targets of e, in their order, with whether e has the member already.
func orderedQuery(stage string, e domain.Event, how lookup) string {
	targets := pg.Quoted(e.Type.TargetTable())
	switch how {
	case noMembers:
		return fmt.Sprintf(orderedAlone, stage)
	case probeEach:
		return fmt.Sprintf(orderedByProbe, stage, targets, e.ID)
	case hashAll: // below
	}
	return fmt.Sprintf(orderedByHash, stage, targets, e.ID)
}

// copyRepeats brings the rows that hold a member again beside the stage, for the rest of the transaction.
func copyRepeats(ctx context.Context, tx pgx.Tx, again *repeats) error {
	const create = `CREATE TEMP TABLE import_again (line bigint, first_line bigint) ON COMMIT DROP`
	if _, err := tx.Exec(ctx, create); err != nil {
		return fmt.Errorf("create table of repeats: %w", err)
	}
	rows := pgx.CopyFromSlice(again.len(), func(i int) ([]any, error) {
		r := again.at(i)
		return []any{r.line, r.first}, nil
	})
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"pg_temp", "import_again"}, []string{"line", "first_line"},
		rows); err != nil {
		return fmt.Errorf("copy repeats: %w", err)
	}
	return nil
}

// All rejected rows of an upload: those of the stage %[1]s, and those of copyRepeats, whose code is %[2]s if the event
// has the member and %[3]s if the file has.
const (
	listRejects = `
		SELECT line, 0::bigint AS first_line, code, reason, raw
		FROM %[1]s
		WHERE code IS NOT NULL
		UNION ALL
		SELECT again.line, again.first_line,
		       CASE again.first_line WHEN 0 THEN '%[2]s' ELSE '%[3]s' END,
		       CASE again.first_line
		           WHEN 0 THEN 'the event already has the member'
		           ELSE format('the member stands on line %%s already', again.first_line)
		       END,
		       staged.raw
		FROM pg_temp.import_again AS again
		JOIN %[1]s AS staged ON staged.line = again.line AND staged.code IS NULL
		ORDER BY line
		LIMIT $1`
	keepRejects = `
		INSERT INTO rejected_rows (import_id, line, first_line, error_code, reason, raw)
		SELECT $1, line, nullif(first_line, 0), code, reason, raw
		FROM (
		    SELECT line, 0::bigint AS first_line, code, reason, raw
		    FROM %[1]s
		    WHERE code IS NOT NULL
		    UNION ALL
		    SELECT again.line, again.first_line,
		           CASE again.first_line WHEN 0 THEN '%[2]s' ELSE '%[3]s' END,
		           CASE again.first_line
		               WHEN 0 THEN 'the event already has the member'
		               ELSE format('the member stands on line %%s already', again.first_line)
		           END,
		           staged.raw
		    FROM pg_temp.import_again AS again
		    JOIN %[1]s AS staged ON staged.line = again.line AND staged.code IS NULL
		) AS rejected
		ORDER BY line`
)

func selectStageRejects(ctx context.Context, tx pgx.Tx, stage string, limit int) ([]RejectedRow, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(listRejects, stage, domain.ExistingMember, domain.DuplicateMember), limit)
	if err != nil {
		return nil, fmt.Errorf("read rejected rows: %w", err)
	}
	rejected, err := pgx.CollectRows(rows, pgx.RowToStructByPos[RejectedRow])
	if err != nil {
		return nil, fmt.Errorf("read rejected rows: %w", err)
	}
	return rejected, nil
}

func insertRejected(ctx context.Context, tx pgx.Tx, stage string, importID int64) error {
	insert := fmt.Sprintf(keepRejects, stage, domain.ExistingMember, domain.DuplicateMember)
	if _, err := tx.Exec(ctx, insert, importID); err != nil {
		return fmt.Errorf("insert rejected rows: %w", err)
	}
	return nil
}
