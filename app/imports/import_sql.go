package imports

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"bestow/app/memberlist"
	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const importColumns = `id, event_id, created_by, content_type, coalesce(header, ''), sha256, bytes, accepted, rejected, total_amount, created_at,
	coalesce((SELECT file_name FROM event_facts WHERE import_id = imports.id), '')`

func scanImport(row pgx.CollectableRow) (r Record, err error) {
	err = row.Scan(&r.ID, &r.EventID, &r.CreatedBy, &r.ContentType, &r.Header, &r.SHA256, &r.Bytes, &r.Accepted,
		&r.Rejected, &r.TotalAmount, &r.CreatedAt, &r.FileName)
	return r, err
}

// selectImports lists the imports of an event, newest first.
func selectImports(ctx context.Context, tx pgx.Tx, eventID int64) ([]Record, error) {
	rows, err := tx.Query(ctx, `SELECT `+importColumns+` FROM imports WHERE event_id = $1 ORDER BY id DESC`, eventID)
	if err != nil {
		return nil, fmt.Errorf("read imports: %w", err)
	}
	records, err := pgx.CollectRows(rows, scanImport)
	if err != nil {
		return nil, fmt.Errorf("read imports: %w", err)
	}
	return records, nil
}

// selectImport reads one import of an event. Error: domain.NotFound.
func selectImport(ctx context.Context, tx pgx.Tx, eventID, importID int64) (Record, error) {
	rows, err := tx.Query(ctx, `SELECT `+importColumns+` FROM imports WHERE event_id = $1 AND id = $2`, eventID,
		importID)
	if err != nil {
		return Record{}, fmt.Errorf("read import: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanImport)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, domain.NotFoundError(fmt.Sprintf("event %d has no import %d", eventID, importID),
			fmt.Sprintf("`bestow targets list %d` lists the imports of the event", eventID))
	}
	if err != nil {
		return r, fmt.Errorf("read import: %w", err)
	}
	return r, nil
}

func insertImport(ctx context.Context, tx pgx.Tx, r Record) (id int64, err error) {
	const insert = `INSERT INTO imports (event_id, created_by, content_type, header, sha256, bytes, accepted, rejected, total_amount, hashed,
			defaulted, max_amount, list_sum, member_sample)
		VALUES ($1, $2, $3, nullif($4, ''), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id`
	err = tx.QueryRow(ctx, insert, r.EventID, r.CreatedBy, r.ContentType, r.Header, r.SHA256, r.Bytes, r.Accepted,
		r.Rejected,
		r.TotalAmount, true, r.defaulted, r.maxAmount, int64(r.mark.sum), signed(r.mark.sample)).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("insert import: %w", err)
	}
	return id, nil
}

// insertFacts keeps what the pass of an import found, with what its answer warns of.
func insertFacts(ctx context.Context, tx pgx.Tx, r Result, fileName string, f memberlist.Facts) error {
	const insert = `INSERT INTO event_facts
			(import_id, event_id, file_name, rows, sum, min, max, distinct_amounts, hist, top, rejected, warnings)
		VALUES ($1, $2, nullif($3, ''), $4, $5, $6, $7, nullif($8, 0), $9, $10, $11, $12)`
	warnings := make([]keptWarning, len(r.Warnings))
	for i, w := range r.Warnings {
		warnings[i] = keptWarning(w)
	}
	_, err := tx.Exec(ctx, insert, r.ImportID, r.EventID, fileName, f.Rows, f.Sum, f.Min, f.Max, f.Distinct, f.Buckets[:],
		f.Commonest, f.Rejected, warnings)
	if err != nil {
		return fmt.Errorf("insert facts: %w", err)
	}
	return nil
}

// selectFacts reads the facts of an import; nil for an import of a version that did not keep them.
func selectFacts(ctx context.Context, tx pgx.Tx, importID int64) (*memberlist.Facts, []Warning, error) {
	const query = `SELECT rows, sum, min, max, coalesce(distinct_amounts, 0), hist, top, rejected, warnings
		FROM event_facts WHERE import_id = $1`
	f, buckets, kept := &memberlist.Facts{}, []int32{}, []keptWarning{}
	err := tx.QueryRow(ctx, query, importID).Scan(&f.Rows, &f.Sum, &f.Min, &f.Max, &f.Distinct, &buckets, &f.Commonest,
		&f.Rejected, &kept)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read facts: %w", err)
	}
	copy(f.Buckets[:], buckets)
	warnings := make([]Warning, len(kept))
	for i, w := range kept {
		warnings[i] = Warning(w)
	}
	return f, warnings, nil
}

// digestImport keeps and returns the digest of the import's row and of its rejected rows, by which the proof sees a
// change of them.
func digestImport(ctx context.Context, tx pgx.Tx, importID int64) (digest []byte, err error) {
	const update = `UPDATE imports SET digest = import_digest(id) WHERE id = $1 RETURNING digest`
	if err := tx.QueryRow(ctx, update, importID).Scan(&digest); err != nil {
		return nil, fmt.Errorf("digest import: %w", err)
	}
	return digest, nil
}

func updateImportSeal(ctx context.Context, tx pgx.Tx, importID int64, sealed content.Hash) error {
	return pg.ExecOne(ctx, tx, `UPDATE imports SET seal = $2 WHERE id = $1`, importID, sealed[:])
}

// selectSealed lists the event's sealed imports in the order of their ids.
func selectSealed(ctx context.Context, tx pgx.Tx, eventID int64) ([]content.Sealed, error) {
	rows, err := tx.Query(ctx, `SELECT id, seal FROM imports WHERE event_id = $1 AND seal IS NOT NULL ORDER BY id`,
		eventID)
	if err != nil {
		return nil, fmt.Errorf("read sealed imports: %w", err)
	}
	imports, err := pgx.CollectRows(rows, pgx.RowToStructByPos[content.Sealed])
	if err != nil {
		return nil, fmt.Errorf("read sealed imports: %w", err)
	}
	return imports, nil
}

func updateImportsSeal(ctx context.Context, tx pgx.Tx, eventID int64, sealed content.Hash) error {
	return pg.ExecOne(ctx, tx, `UPDATE event_keys SET imports_seal = $2 WHERE event_id = $1`, eventID, sealed[:])
}

func selectOwnPartition(ctx context.Context, tx pgx.Tx, eventID int64) (own *bool, err error) {
	if err := tx.QueryRow(ctx, `SELECT own_partition FROM campaign_events WHERE id = $1`,
		eventID).Scan(&own); err != nil {
		return nil, fmt.Errorf("read where targets live: %w", err)
	}
	return own, nil
}

// addTotals adds targets to the event and reports whether it did. It does not if the event is not PENDING any more, or
// if its defaults or its number of partitions, by which the targets were made, have changed. The first import finds out
// whether the reserved moment has passed without a list.
func addTotals(ctx context.Context, tx pgx.Tx, e domain.Event, count int, amount int64, own bool) (bool, error) {
	const update = `UPDATE campaign_events
		SET total_count = total_count + $2, total_amount = total_amount + $3, own_partition = coalesce(own_partition, $4),
			reservation_missed = reservation_missed OR total_count = 0 AND coalesce(reservation_at <= clock_timestamp(), false), updated_at = now()
		WHERE id = $1 AND event_status = 'PENDING' AND partition_count = $5
		  AND coalesce(default_amount, 0) = $6 AND coalesce(default_reason, '') = $7`
	tag, err := tx.Exec(ctx, update, e.ID, count, amount, own, e.Partitions, e.DefaultAmount, e.DefaultReason)
	if err != nil {
		return false, fmt.Errorf("add totals: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// reserveIDs takes n consecutive ids and returns the first: two statements of other imports cannot come between, and
// the lock is held for this moment only, not for the import.
func reserveIDs(ctx context.Context, conn *pgx.Conn, t domain.EventType, n int) (first int64, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := pg.Lock(ctx, tx, pg.IDs, int64(crc32.ChecksumIEEE([]byte(t.Code)))); err != nil {
			return err
		}
		const reserve = `SELECT setval($1::regclass, nextval($1::regclass) + $2 - 1) - $2 + 1`
		return tx.QueryRow(ctx, reserve, pg.Quoted(t.TargetTable()+"_id_seq"), n).Scan(&first)
	})
	if err != nil {
		return 0, fmt.Errorf("reserve ids: %w", err)
	}
	return first, nil
}

// setUpImport lets the transaction wait for a slow upload, and keep its plans. The pool plans every execution anew,
// which is right for statements on partitioned tables; but a foreign key's check of a row is a statement too, and
// planning it costs more than the row: 1.6 s of PostgreSQL's time for 100,000 targets in the default partition, 0.7 s
// with plans kept.
func setUpImport(ctx context.Context, tx pgx.Tx) error {
	const settings = `SET LOCAL plan_cache_mode = auto; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
		SET LOCAL application_name = '` + importer + `'`
	if _, err := tx.Exec(ctx, settings); err != nil {
		return fmt.Errorf("set up import: %w", err)
	}
	return nil
}

// copyTargets is the statement that load's rows go into.
func copyTargets(table string) string {
	return `COPY ` + pg.Quoted(table) +
		` (id, event_id, amount, partition_key, member_id, reason) FROM STDIN (FORMAT binary)`
}

func copyChunks(ctx context.Context, tx pgx.Tx, importID int64, chunks []content.Chunk) error {
	columns := []string{"event_id", "partition_key", "first_id", "last_id", "target_count", "import_id", "content_hash"}
	rows := pgx.CopyFromSlice(len(chunks), func(i int) ([]any, error) {
		c := chunks[i]
		return []any{c.EventID, c.PartitionKey, c.First, c.Last, c.Count, importID, c.Hash[:]}, nil
	})
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"grant_chunks"}, columns, rows); err != nil {
		return fmt.Errorf("copy chunks: %w", err)
	}
	return nil
}

// createTargetsPartition makes the table of an event's own, still outside of the parent.
func createTargetsPartition(ctx context.Context, tx pgx.Tx, e domain.Event) (table string, err error) {
	if err := tx.QueryRow(ctx, `SELECT create_targets_partition($1, $2)`, e.Type.Code, e.ID).Scan(&table); err != nil {
		return "", fmt.Errorf("create partition: %w", err)
	}
	return table, nil
}

func indexTargetsPartition(ctx context.Context, tx pgx.Tx, e domain.Event) error {
	if _, err := tx.Exec(ctx, `SELECT index_targets_partition($1, $2)`, e.Type.Code, e.ID); err != nil {
		return fmt.Errorf("index partition: %w", err)
	}
	return nil
}

// attachTries says how often an import asks for the default partition: half a minute in all.
const attachTries = 12

// attachTargetsPartition enters the event's gate and makes the table a partition. That takes the default partition for
// itself, so it waits two seconds at the most, while all other statements there wait behind it; then it lets them pass,
// gives the gate back, and tries again.
func attachTargetsPartition(ctx context.Context, tx pgx.Tx, e domain.Event, tries int) error {
	const pause = 500 * time.Millisecond
	for range tries {
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return attachNow(ctx, tx, e) })
		switch pg.Code(err) {
		case pg.LockNotAvailable, pg.DeadlockDetected:
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return domain.UnavailableError("the targets' table is too busy to take another partition",
		"upload the list again in a few minutes")
}

// attachNow takes the gate first: attaching locks campaign_events, for which the holder of the gate may be waiting.
func attachNow(ctx context.Context, tx pgx.Tx, e domain.Event) error {
	if err := pg.Lock(ctx, tx, pg.Gate, e.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '2s'`); err != nil {
		return fmt.Errorf("attach partition: %w", err)
	}
	if _, err := tx.Exec(ctx, `SELECT attach_targets_partition($1, $2)`, e.Type.Code, e.ID); err != nil {
		return fmt.Errorf("attach partition: %w", err)
	}
	if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout TO DEFAULT`); err != nil {
		return fmt.Errorf("attach partition: %w", err)
	}
	return nil
}

// analyzeDefault analyzes the default partition of an import's type, if the event's targets are in it.
func analyzeDefault(ctx context.Context, pool *pgxpool.Pool, importID int64) error {
	var code string
	const query = `SELECT e.event_type FROM imports i JOIN campaign_events e ON e.id = i.event_id WHERE i.id = $1 AND NOT e.own_partition`
	err := pool.QueryRow(ctx, query, importID).Scan(&code)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read import %d: %w", importID, err)
	}
	if _, err := pool.Exec(ctx, `SELECT analyze_targets($1)`, code); err != nil {
		return fmt.Errorf("analyze targets of %s: %w", code, err)
	}
	return nil
}
