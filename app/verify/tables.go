package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// presentTypes are the event types whose tables exist, even if the registry lacks them.
type presentTypes []presentType

// presentType is a type whose tables are there.
type presentType struct {
	domain.EventType

	registered bool
	ours       bool // its grants are looked for in the ledger of this database
	events     []int64
}

// readPresentTypes reads the registry and the catalog. A row can hide neither: a type is checked because its tables are
// there, by the operation that its columns show.
func readPresentTypes(ctx context.Context, tx pgx.Tx) (presentTypes, error) {
	const query = `
		SELECT upper(left(r.relname, -8)), coalesce(y.label, ''), coalesce(y.granter, ''),
		       CASE WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attname = 'voucher_code' AND NOT a.attisdropped)
		            THEN 'vouchers' ELSE 'points' END,
		       coalesce(y.topic, ''), y.code IS NOT NULL
		FROM pg_class r
		JOIN pg_class t ON t.relnamespace = r.relnamespace AND t.relname = left(r.relname, -8) || '_targets' AND t.relkind = 'p'
		LEFT JOIN public.event_types y ON lower(y.code) = left(r.relname, -8)
		WHERE r.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND r.relkind = 'r' AND r.relname ~ '^[a-z][a-z0-9_]{0,19}_results$'
		ORDER BY 1`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read event types: %w", err)
	}
	types, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (y presentType, err error) {
		return y, row.Scan(&y.Code, &y.Label, &y.Granter, &y.Operation, &y.Topic, &y.registered)
	})
	if err != nil {
		return nil, fmt.Errorf("read event types: %w", err)
	}
	return types, nil
}

// eventTypes returns what the registry has of the types.
func (t presentTypes) eventTypes() []domain.EventType {
	types := make([]domain.EventType, len(t))
	for i, y := range t {
		types[i] = y.EventType
	}
	return types
}

// judgeGranters says of each type whether its grants are looked for in our ledger: not only where the registry says so,
// but also where the ledger, which can be read here, holds rows of the type's events.
func (t presentTypes) judgeGranters(ctx context.Context, tx pgx.Tx, ledger bool) error {
	for i := range t {
		y := &t[i]
		y.ours = y.Granter == domain.OurGranter
		if y.ours {
			continue
		}
		const events = `SELECT id FROM public.campaign_events WHERE event_type = $1 ORDER BY id`
		rows, err := tx.Query(ctx, events, y.Code)
		if err != nil {
			return fmt.Errorf("read events of type %s: %w", y.Code, err)
		}
		if y.events, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
			return fmt.Errorf("read events of type %s: %w", y.Code, err)
		}
		const granted = `SELECT EXISTS (SELECT FROM money.point_member WHERE point_type_code = 'CM' AND ref_unique_id = ANY ($1::bigint[]::text[]))
			OR EXISTS (SELECT FROM money.vouchers WHERE type_code = 'CM' AND ref = ANY ($1::bigint[]::text[]))`
		if ledger && len(y.events) > 0 {
			if err := tx.QueryRow(ctx, granted, y.events).Scan(&y.ours); err != nil {
				return fmt.Errorf("look for grants of type %s: %w", y.Code, err)
			}
		}
	}
	return nil
}

// foreignGrants are the events whose grants stand in a ledger that cannot be read from here.
func foreignGrants(_ context.Context, _ pgx.Tx, v *verification) (gaps []Gap, _ error) {
	if v.ledgers != nil {
		return nil, nil // compareForeign says which it could not ask
	}
	for _, y := range v.tables {
		ids := y.events
		if v.event != nil {
			ids = slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return id != *v.event })
		}
		if y.ours || len(ids) == 0 {
			continue
		}
		gaps = append(gaps,
			gapOf(fmt.Sprintf("what was granted to events of type %s stands in the ledger %q, "+
				"which cannot be read from here", y.Code, y.Granter), ids))
	}
	return gaps, nil
}

// maxGapEvents says how many events of a gap are named.
const maxGapEvents = 20

func gapOf(why string, ids []int64) Gap {
	return Gap{Why: why, Events: int64(len(ids)), EventIDs: ids[:min(len(ids), maxGapEvents)]}
}

// binding holds the values of a statement's placeholders in one run of it.
type binding struct {
	typeCode         string // of a run per type
	targets, results string
	saves            string // the file of what the ledger granted
}

// runs lists the runs of a statement. Names of tables come from the catalog only, and are quoted.
func (t presentTypes) runs(r reach) []binding {
	switch r {
	case overAll:
		return []binding{{}}
	case perType:
		runs := make([]binding, len(t))
		for i, y := range t {
			runs[i] = binding{
				typeCode: y.Code, targets: inPublic(y.TargetTable()),
				results: inPublic(y.ResultTable()),
			}
		}
		return runs
	case perOperation:
		return t.operations(domain.Points, domain.Vouchers)
	case overPoints:
		return t.operations(domain.Points)
	case overVouchers:
		return t.operations(domain.Vouchers)
	}
	return nil
}

// operations is a run for each of the operations that some type has: over the results and targets of all its types,
// with a column that is true if our ledger grants them.
func (t presentTypes) operations(operations ...domain.Operation) (runs []binding) {
	for _, o := range operations {
		var targets, results []string
		for _, y := range t {
			if y.Operation == o {
				targets = append(targets, `SELECT event_id, member_id, id, amount, partition_key, reason FROM `+
					inPublic(y.TargetTable()))
				results = append(results, selectOfType(y))
			}
		}
		if len(results) > 0 {
			runs = append(runs, binding{
				targets: union(targets), results: union(results),
				saves: "saves_" + string(o),
			})
		}
	}
	return runs
}

func selectOfType(y presentType) string {
	columns := `event_id, member_id, amount, status, money_tx_id, error_code, redrive, redrive_done`
	if y.Operation == domain.Vouchers {
		columns += `, voucher_code, voucher_pin, voucher_expiry_at`
	}
	return fmt.Sprintf(`SELECT '%s' AS type, %t AS ours, %s FROM %s`, y.Code, y.ours, columns,
		inPublic(y.ResultTable()))
}

func union(selects []string) string { return "(" + strings.Join(selects, " UNION ALL ") + ")" }

// literal is text as SQL reads it.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// statement reads a file of sql/ and fills its placeholders in.
func (r binding) statement(file string) (string, error) {
	body, err := sqlFiles.ReadFile("sql/" + file + ".sql")
	if err != nil {
		return "", fmt.Errorf("read statement: %w", err)
	}
	sql := string(body)
	if r.saves != "" {
		saves, err := sqlFiles.ReadFile("sql/" + r.saves + ".sql")
		if err != nil {
			return "", fmt.Errorf("read statement: %w", err)
		}
		sql = strings.ReplaceAll(sql, "{{saves}}", string(saves))
	}
	return strings.NewReplacer("{{targets}}", r.targets, "{{results}}", r.results).Replace(sql), nil
}

func usesType(sql string) bool { return strings.Contains(sql, "$2") }

// lostJobs is the statement that lists the jobs that were cancelled or discarded, and says which of them are healed.
func (t presentTypes) lostJobs() string {
	redriven := []string{`SELECT 0::bigint AS event_id WHERE false`}
	for _, y := range t {
		redriven = append(redriven, `SELECT event_id FROM `+inPublic(y.ResultTable())+
			` WHERE redrive - redrive_done > 0 AND status = 'PERMANENTLY_FAILED'`)
	}
	return strings.ReplaceAll(lostJobsSQL, "{{redriven}}", union(redriven))
}
