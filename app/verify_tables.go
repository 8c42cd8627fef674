package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// verifyTables are the event types whose tables are there.
type verifyTables []domain.EventType

func readVerifyTables(ctx context.Context, tx pgx.Tx) (verifyTables, error) {
	const query = `SELECT code, label, granter, operation, topic FROM event_types WHERE state = 'READY' ORDER BY code`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read event types: %w", err)
	}
	types, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.EventType])
	if err != nil {
		return nil, fmt.Errorf("read event types: %w", err)
	}
	for _, y := range types {
		if !domain.ValidTypeCode(y.Code) {
			return nil, fmt.Errorf("read event types: %q is no code", y.Code)
		}
	}
	return types, nil
}

// ours says whether our ledger grants any type.
func (t verifyTables) ours() bool {
	return slices.ContainsFunc(t, ourLedger)
}

// verifyRun is one run of a statement: what stands for its placeholders.
type verifyRun struct {
	typeCode         string // of a run per type
	targets, results string
	saves            string // the file of what the ledger granted
}

// runs lists the runs of a statement. Names of tables come from the registry only, and are quoted.
func (t verifyTables) runs(r reach) []verifyRun {
	switch r {
	case overAll:
		return []verifyRun{{}}
	case perType:
		runs := make([]verifyRun, len(t))
		for i, y := range t {
			runs[i] = verifyRun{typeCode: y.Code, targets: quoted(y.TargetTable()), results: quoted(y.ResultTable())}
		}
		return runs
	case perOperation:
		return t.operations(domain.Points, domain.Vouchers)
	case overVouchers:
		return t.operations(domain.Vouchers)
	}
	return nil
}

// operations is a run for each of the operations that some type has: over the results and targets of all its types, with
// a column that says whether our ledger grants them.
func (t verifyTables) operations(operations ...domain.Operation) (runs []verifyRun) {
	for _, o := range operations {
		var targets, results []string
		for _, y := range t {
			if y.Operation == o {
				targets = append(targets, `SELECT event_id, member_id, id, amount, partition_key FROM `+quoted(y.TargetTable()))
				results = append(results, selectOfType(y))
			}
		}
		if len(results) > 0 {
			runs = append(runs, verifyRun{targets: union(targets), results: union(results), saves: "saves_" + string(o)})
		}
	}
	return runs
}

func selectOfType(y domain.EventType) string {
	columns := `event_id, member_id, amount, status, money_tx_id, error_code, redrive, redrive_done`
	if y.Operation == domain.Vouchers {
		columns += `, voucher_code`
	}
	return fmt.Sprintf(`SELECT '%s' AS type, %t AS ours, %s FROM %s`, y.Code, ourLedger(y), columns, quoted(y.ResultTable()))
}

func union(selects []string) string { return "(" + strings.Join(selects, " UNION ALL ") + ")" }

// ourLedger says whether our ledger grants the type.
func ourLedger(y domain.EventType) bool { return y.Granter == "money" }

// statement reads a file of verify/ and fills its placeholders in.
func (r verifyRun) statement(file string) (string, error) {
	body, err := verifyFiles.ReadFile("verify/" + file + ".sql")
	if err != nil {
		return "", fmt.Errorf("read statement: %w", err)
	}
	sql := string(body)
	if r.saves != "" {
		saves, err := verifyFiles.ReadFile("verify/" + r.saves + ".sql")
		if err != nil {
			return "", fmt.Errorf("read statement: %w", err)
		}
		sql = strings.ReplaceAll(sql, "{{saves}}", string(saves))
	}
	return strings.NewReplacer("{{targets}}", r.targets, "{{results}}", r.results).Replace(sql), nil
}

func usesType(sql string) bool { return strings.Contains(sql, "$2") }
