package verify

import (
	"context"
	"errors"
	"fmt"

	"bestow/domain"
	"bestow/internal/english"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// addPartitionKeys reads targets as they stream by and asks the rule for each. A million take about a second, and no
// memory.
func addPartitionKeys(rows pgx.Rows, f *finding) error {
	defer rows.Close()
	var n, event int64
	var key, count int32
	var member pgtype.DriverBytes // of the connection's buffer, until the next row
	for rows.Next() {
		n++
		if err := rows.Scan(&event, &member, &key, &count); err != nil {
			return err
		}
		if want := domain.PartitionKey(event, string(member), int(count)); int(key) != want {
			f.differences++
			f.example(fmt.Sprintf("event %d, member %s: partition_key is %d of %d, the rule says %d", event, member,
				key, count, want))
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return f.measures.add("targets", n)
}

// compareIDs compares the ids of events with the record of deletions, and every sequence with the ids in its column
// (I42).
func compareIDs(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	if err := v.run(ctx, tx, invariant{file: "I42_ids_are_whole"}, binding{}, f); err != nil {
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
		  AND (t.relname ~ '_(targets|results)$' OR t.relname IN ('campaign_events', 'campaign_event_summary', 'imports', 'parked_messages', 'principals', 'api_keys', 'invites', 'sessions', 'uploads', 'audit_log',
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

// compareDue looks for lots that are open past their expiry (I18). Where nothing expires by itself and some have run
// out, noExpiry tells.
func compareDue(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	if v.expiryOff {
		if lots, err := countRunOut(ctx, tx); err != nil || lots > 0 {
			return errors.Join(err, f.measures.add("lots", int64(0)), f.measures.add("points", int64(0)))
		}
	}
	return v.run(ctx, tx, invariant{file: "I18_due_lots_are_expired"}, binding{}, f)
}

// noExpiry names I18 as not compared where nothing expires by itself and lots have run out.
func noExpiry(ctx context.Context, tx pgx.Tx, v *verification) ([]Gap, error) {
	if !v.expiryOff || v.foreign != "" {
		return nil, nil
	}
	lots, err := countRunOut(ctx, tx)
	if err != nil || lots == 0 {
		return nil, err
	}
	return []Gap{{Why: "nothing expires by itself (BESTOW_EXPIRY=off), with " + english.Count(lots, "open lot") +
		" past the expiry"}}, nil
}

func countRunOut(ctx context.Context, tx pgx.Tx) (lots int64, err error) {
	const query = `SELECT count(*) FROM money.point_lot WHERE remaining > 0 AND expiry_at <= now()`
	if err := tx.QueryRow(ctx, query).Scan(&lots); err != nil {
		return 0, fmt.Errorf("count lots that have run out: %w", err)
	}
	return lots, nil
}

// undigestedImports are the events with imports of a version that kept no digests.
func undigestedImports(ctx context.Context, tx pgx.Tx, v *verification) ([]Gap, error) {
	const query = `SELECT DISTINCT event_id FROM public.imports WHERE digest IS NULL AND ($1::bigint IS NULL OR event_id = $1) ORDER BY event_id`
	rows, err := tx.Query(ctx, query, v.event)
	if err != nil {
		return nil, fmt.Errorf("read imports without a digest: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("read imports without a digest: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return []Gap{gapOf("an older version made the import and kept no digest: its file's name, "+
		"size and hash and its rejected rows are not compared", ids)}, nil
}

// undigestedRows are the parked messages and stored answers of a version that kept no digests; they are of no one
// event.
func undigestedRows(ctx context.Context, tx pgx.Tx, v *verification) ([]Gap, error) {
	if v.event != nil {
		return nil, nil
	}
	const query = `SELECT (SELECT count(*) FROM public.parked_messages WHERE digest IS NULL), (SELECT count(*) FROM public.idempotency_keys WHERE digest IS NULL)`
	var parked, answers int64
	if err := tx.QueryRow(ctx, query).Scan(&parked, &answers); err != nil {
		return nil, fmt.Errorf("count rows without a digest: %w", err)
	}
	if parked+answers == 0 {
		return nil, nil
	}
	why := fmt.Sprintf("an older version wrote %s and %s and kept no digest: they are not compared",
		english.Count(parked, "parked message"), english.Count(answers, "stored answer"))
	return []Gap{{Why: why}}, nil
}

// compareMoments finds rows beside the events that were made at a moment to come. Five minutes are allowed for clocks.
func compareMoments(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	const query = `SELECT what, at::text FROM (
			SELECT format('the summary of event %s', event_id), created_at, event_id FROM public.campaign_event_summary
			UNION ALL SELECT format('import %s', id), created_at, event_id FROM public.imports
			UNION ALL SELECT format('the key of the hashes of event %s', event_id), created_at, event_id FROM public.event_keys
			UNION ALL SELECT format('the key of the PINs of event %s', event_id), created_at, event_id FROM public.pin_keys
			UNION ALL SELECT format('parked message %s', id), greatest(created_at, replayed_at), NULL FROM public.parked_messages
			UNION ALL SELECT format('the answer that %s got under key %s', actor, key), created_at, NULL FROM public.idempotency_keys
		) AS rows (what, at, event_id)
		WHERE at > now() + interval '5 minutes' AND ($1::bigint IS NULL OR event_id = $1) ORDER BY what`
	return differYet(ctx, tx, f, query, v.event)
}

// compareAuditMoments is compareMoments of the audit.
func compareAuditMoments(ctx context.Context, tx pgx.Tx, f *finding) error {
	const query = `SELECT what, at::text FROM (
			SELECT format('row %s of the audit', id), at FROM public.audit_log
			UNION ALL SELECT format('the link at position %s of the audit', position), linked_at FROM public.audit_chain
			UNION ALL SELECT format('the head at position %s of the audit', position), anchored_at FROM public.audit_anchors
		) AS rows (what, at)
		WHERE at > now() + interval '5 minutes' ORDER BY what`
	return differYet(ctx, tx, f, query)
}

// compareSealMoments is compareMoments of the keys that seal vouchers.
func compareSealMoments(ctx context.Context, tx pgx.Tx, f *finding) error {
	const query = `SELECT format('the key of the vouchers of ref %s', ref), created_at::text FROM money.seal_keys
		WHERE created_at > now() + interval '5 minutes' ORDER BY ref`
	return differYet(ctx, tx, f, query)
}

// differYet notes a difference for each row of the query: what has the moment, and the moment.
func differYet(ctx context.Context, tx pgx.Tx, f *finding, query string, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read moments to come: %w", err)
	}
	var what, at string
	_, err = pgx.ForEachRow(rows, []any{&what, &at}, func() error {
		f.differ("%s has a moment that is not yet: %s", what, at)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read moments to come: %w", err)
	}
	return nil
}

// compareAuditedTypes compares the registry of types with what the audit says of them. Each change of a type is a row
// that holds the whole type. A type without such a row is one of the migrations, or was made by hand.
func compareAuditedTypes(ctx context.Context, tx pgx.Tx, event *int64, f *finding) error {
	const query = `SELECT y.code, fact.now, fact.audited
		FROM public.event_types y
		CROSS JOIN LATERAL (SELECT l.after FROM public.audit_log l
			WHERE l.action IN ('type.create', 'type.edit') AND l.object = 'event type ' || y.code
			ORDER BY l.id DESC LIMIT 1) last
		CROSS JOIN LATERAL (VALUES (y.granter, last.after->>'granter'), (y.operation, last.after->>'operation'),
			(CASE WHEN y.state = 'RETIRED' THEN 'RETIRED' ELSE 'not RETIRED' END,
			 CASE WHEN last.after->>'state' = 'RETIRED' THEN 'RETIRED' ELSE 'not RETIRED' END)) AS fact (now, audited)
		WHERE fact.now IS DISTINCT FROM fact.audited
		  AND ($1::bigint IS NULL OR y.code = (SELECT event_type FROM public.campaign_events WHERE id = $1)) ORDER BY y.code`
	rows, err := tx.Query(ctx, query, event)
	if err != nil {
		return fmt.Errorf("compare types with the audit: %w", err)
	}
	var code, is string
	var was *string
	_, err = pgx.ForEachRow(rows, []any{&code, &is, &was}, func() error {
		if was == nil {
			f.differ("type %s says %s, and its last row of the audit says nothing of it", code, is)
			return nil
		}
		f.differ("type %s says %s, and its last row of the audit says %s", code, is, *was)
		return nil
	})
	if err != nil {
		return fmt.Errorf("compare types with the audit: %w", err)
	}
	return nil
}
