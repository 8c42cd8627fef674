package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// analyzeLockWait bounds the wait for a table's lock: its holder, as a rule autovacuum, is analyzing it or about to
// change it.
const analyzeLockWait = `SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = 0`

// analyzeGrown analyzes the tables that were never analyzed, or have changed by more than a tenth since: statistics
// know nothing of a new event, and a join that trusts them may filter all of it for each member.
func (s *Verifier) analyzeGrown(ctx context.Context, grown []string) error {
	for _, table := range grown {
		if err := s.analyze(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// findAnalyzed returns the id of the event that is named, nil for all, and analyzes the tables that have grown. While a
// table runs code of others it reads none: the report, which says so, is then of the id in the name, or of all. Errors
// as Verify's.
func (s *Verifier) findAnalyzed(ctx context.Context, name string) (event *int64, err error) {
	var grown []string
	err = s.lookFirst(ctx, func(tx guarded) (err error) {
		if event, err = findEvent(ctx, tx, name); err != nil {
			return err
		}
		grown, err = selectGrown(ctx, tx, event)
		return err
	})
	if errors.Is(err, ErrTakenOver) {
		if id, is := domain.ParseID(strings.TrimPrefix(name, "id:")); is {
			event = &id
		}
		return event, nil
	}
	if err != nil {
		return nil, err
	}
	return event, s.analyzeGrown(ctx, grown)
}

// analyze analyzes one table, whose name is quoted. Who does not own the table gets PostgreSQL's warning and goes on,
// and so does a standby, or a session that waits too long for the lock.
func (s *Verifier) analyze(ctx context.Context, table string) error {
	err := pgx.BeginFunc(ctx, s.c.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, analyzeLockWait); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `ANALYZE `+table)
		return err
	})
	switch pg.Code(err) {
	case pg.LockNotAvailable, pg.ReadOnlyTransaction, pg.UndefinedTable: // the last one: dropped meanwhile
		return nil
	}
	if err != nil {
		return fmt.Errorf("analyze %s: %w", table, err)
	}
	return nil
}

// selectGrown names, quoted, the tables that are to be analyzed: of an event's targets only the partition in which they
// lie. The size tells at once what the activity counters tell late.
func selectGrown(ctx context.Context, tx pgx.Tx, event *int64) ([]string, error) {
	const query = `
		WITH concerned AS (
			SELECT to_regclass(quote_ident(current_schema()) || '.' || quote_ident(lower(code) || '_results'))::oid AS oid
			FROM public.event_types WHERE state IN ('READY', 'RETIRED')
			UNION ALL
			SELECT i.inhrelid FROM public.event_types y
			JOIN pg_inherits i ON i.inhparent = to_regclass(quote_ident(current_schema()) || '.' || quote_ident(lower(y.code) || '_targets'))
			JOIN pg_class c ON c.oid = i.inhrelid
			WHERE y.state IN ('READY', 'RETIRED') AND ($1::bigint IS NULL OR c.relname IN (lower(y.code) || '_targets_default', lower(y.code) || '_targets_' || $1))
			UNION ALL
			SELECT to_regclass(quote_ident(schema) || '.' || name)::oid
			FROM (VALUES (current_schema(), 'campaign_events'), (current_schema(), 'campaign_event_summary'), (current_schema(), 'grant_chunks'),
				('river', 'river_job'), ('money', 'point_member'), ('money', 'point_lot'), ('money', 'point_draw'),
				('money', 'vouchers'), ('money', 'voucher_events')) t (schema, name)
		)
		SELECT c.oid::regclass::text FROM pg_class c
		WHERE c.oid IN (SELECT oid FROM concerned) AND c.relkind = 'r'
		  AND (coalesce(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) IS NULL
		       OR pg_relation_size(c.oid) / current_setting('block_size')::int > c.relpages * 1.1 + 10
		       OR pg_stat_get_mod_since_analyze(c.oid) > c.reltuples * 0.1 + 1000)
		ORDER BY 1`
	rows, err := tx.Query(ctx, query, event)
	if err != nil {
		return nil, fmt.Errorf("look for tables to analyze: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look for tables to analyze: %w", err)
	}
	return names, nil
}
