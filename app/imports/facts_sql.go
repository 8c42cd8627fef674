package imports

import (
	"context"
	"fmt"

	"bestow/app/memberlist"
	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// selectAllFacts reads all imports of an event with their facts, newest first.
func selectAllFacts(ctx context.Context, tx pgx.Tx, eventID int64) ([]Found, error) {
	const query = `SELECT i.id, i.event_id, i.created_by, i.content_type, coalesce(f.file_name, ''), coalesce(i.header, ''),
			i.sha256, i.bytes, i.accepted, i.rejected, i.total_amount, i.created_at,
			f.import_id IS NOT NULL, coalesce(f.rows, 0), coalesce(f.sum, 0), coalesce(f.min, 0), coalesce(f.max, 0),
			coalesce(f.distinct_amounts, 0), f.hist, f.top, f.rejected, f.warnings
		FROM imports i LEFT JOIN event_facts f ON f.import_id = i.id
		WHERE i.event_id = $1 ORDER BY i.id DESC`
	rows, err := tx.Query(ctx, query, eventID)
	if err != nil {
		return nil, fmt.Errorf("read facts of event: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanFound)
	if err != nil {
		return nil, fmt.Errorf("read facts of event: %w", err)
	}
	return all, nil
}

func scanFound(row pgx.CollectableRow) (found Found, err error) {
	f, known := &memberlist.Facts{}, false
	var buckets []int32
	var kept []keptWarning
	r := &found.Record
	err = row.Scan(&r.ID, &r.EventID, &r.CreatedBy, &r.ContentType, &r.FileName, &r.Header, &r.SHA256, &r.Bytes,
		&r.Accepted, &r.Rejected, &r.TotalAmount, &r.CreatedAt, &known, &f.Rows, &f.Sum, &f.Min, &f.Max, &f.Distinct,
		&buckets, &f.Commonest, &f.Rejected, &kept)
	if err != nil || !known {
		return found, err
	}
	copy(f.Buckets[:], buckets)
	found.Facts = f
	for _, w := range kept {
		found.Warnings = append(found.Warnings, Warning(w))
	}
	return found, nil
}

// selectAllSamples reads rejected rows that the facts name, each by its key: of each code memberlist.MaxSamples in all
// imports.
func selectAllSamples(ctx context.Context, tx pgx.Tx, all []Found) error {
	taken, at := map[domain.Code]int{}, map[int64]int{}
	var ids, lines []int64
	for i, f := range all {
		at[f.ID] = i
		if f.Facts == nil {
			continue
		}
		for _, c := range f.Facts.Rejected {
			some := c.Lines[:min(len(c.Lines), memberlist.MaxSamples-taken[c.Code])]
			taken[c.Code] += len(some)
			for _, line := range some {
				ids, lines = append(ids, f.ID), append(lines, line)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	const query = `SELECT import_id, line, coalesce(first_line, 0), error_code, reason, raw FROM rejected_rows
		JOIN unnest($1::bigint[], $2::bigint[]) AS wanted (import_id, line) USING (import_id, line) ORDER BY import_id, line`
	rows, err := tx.Query(ctx, query, ids, lines)
	if err != nil {
		return fmt.Errorf("read rejected rows: %w", err)
	}
	var id int64
	var r RejectedRow
	_, err = pgx.ForEachRow(rows, []any{&id, &r.Line, &r.FirstLine, &r.Code, &r.Reason, &r.Raw}, func() error {
		found := &all[at[id]]
		found.Samples = append(found.Samples, r)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read rejected rows: %w", err)
	}
	return nil
}

func selectSpan(ctx context.Context, tx pgx.Tx, eventID int64) (least, most int64, err error) {
	const query = `SELECT CASE WHEN count(*) = count(f.min) THEN min(f.min) END,
			CASE WHEN count(*) = count(coalesce(f.max, i.max_amount)) THEN max(coalesce(f.max, i.max_amount)) END
		FROM imports i LEFT JOIN event_facts f ON f.import_id = i.id WHERE i.event_id = $1`
	var from, to *int64
	if err := tx.QueryRow(ctx, query, eventID).Scan(&from, &to); err != nil {
		return 0, 0, fmt.Errorf("read amounts of event: %w", err)
	}
	if from != nil {
		least = *from
	}
	if to != nil {
		most = *to
	}
	return least, most, nil
}
