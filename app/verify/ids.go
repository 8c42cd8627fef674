package verify

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// compareIDs compares the ids of events with the record of deletions, and every sequence with the ids in its column
// (I42).
func compareIDs(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	if err := v.run(ctx, tx, invariant{file: "I42_ids_are_whole"}, verifyRun{}, f); err != nil {
		return err
	}
	if v.event != nil {
		return f.measures.add("sequences", int64(0)) // they are no event's
	}
	sequences, err := selectSequences(ctx, tx)
	if err != nil {
		return err
	}
	for _, s := range sequences {
		var used *int64
		if err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT max(%s) FROM %s`, s.Column, s.Table)).Scan(&used); err != nil {
			return fmt.Errorf("read ids of %s: %w", s.Table, err)
		}
		if used != nil && *used > s.Last {
			f.differ("sequence %s stands at %d, and %s %d of %s is given already", s.Name, s.Last, s.Column, *used,
				s.Table)
		}
	}
	return f.measures.add("sequences", int64(len(sequences)))
}

// sequence is one that gives the ids of a column. Names are quoted.
type sequence struct {
	Name, Table, Column string
	Last                int64 // 0 before the first
}

// selectSequences lists the sequences of our tables. They are read after the snapshot, so they can only be ahead of it.
func selectSequences(ctx context.Context, tx pgx.Tx) ([]sequence, error) {
	const query = `
		SELECT s.oid::regclass::text, t.oid::regclass::text, quote_ident(a.attname), coalesce(pg_sequence_last_value(s.oid), 0)
		FROM pg_class s
		JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
		JOIN pg_class t ON t.oid = d.refobjid
		JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
		WHERE s.relkind = 'S' AND s.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN (current_schema(), 'money', 'river'))
		  AND (t.relname ~ '_(targets|results)$' OR t.relname IN ('campaign_events', 'campaign_event_summary', 'imports', 'parked_messages',
		       'verify_reports', 'river_job', 'point_master', 'point_member', 'point_due', 'vouchers', 'voucher_events'))
		ORDER BY 1`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read sequences: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sequence])
	if err != nil {
		return nil, fmt.Errorf("read sequences: %w", err)
	}
	return list, nil
}
