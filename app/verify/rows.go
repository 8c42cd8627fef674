package verify

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"bestow/internal/english"

	"github.com/jackc/pgx/v5"
)

// rules are the constraints of a table, as the catalog has them. Each row must obey them. Names are quoted.
type rules struct {
	Table    string
	Relation string   // its name in a catalog
	Required []string // columns that are never NULL
	Checks   []string // expressions that are never false
	Keys     []string // lists of columns that no two rows share
}

// compareRows finds rows that break a constraint of their table: a superuser can take a constraint away, write, and
// put it back without a look at the rows. It reads every table once, and the small ones again for each key. It does not
// look for double keys in the large ones: I1, I2, I21 and I24 do.
func compareRows(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	all, err := readRules(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, rowsOnly); err != nil {
		return err
	}
	for _, r := range all {
		if !v.catalog.Ours(r.Relation) || v.foreign != "" && strings.HasPrefix(r.Relation, "money.") {
			continue
		}
		err := r.compareEach(ctx, tx, f)
		if err == nil {
			err = r.compareKeys(ctx, tx, f)
		}
		if err != nil {
			return fmt.Errorf("compare rows of %s with its constraints: %w", r.Table, err)
		}
	}
	_, err = tx.Exec(ctx, indexesToo)
	return err
}

// rowsOnly lets the transaction read tables and not their indexes, which may not have all rows, and indexesToo is the
// session's way again.
const (
	rowsOnly = `SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off;
		SET LOCAL enable_bitmapscan = off`
	indexesToo = `SET LOCAL enable_indexscan = DEFAULT; SET LOCAL enable_indexonlyscan = DEFAULT;
		SET LOCAL enable_bitmapscan = DEFAULT`
)

// readRules reads the constraints of the tables that hold rows. Those that a migration left NOT VALID are not meant for
// all rows.
func readRules(ctx context.Context, tx pgx.Tx) ([]rules, error) {
	const query = `
		SELECT c.oid::regclass::text, CASE n.nspname WHEN current_schema() THEN '' ELSE n.nspname || '.' END || c.relname,
		       ARRAY(SELECT quote_ident(a.attname) FROM pg_attribute a
		             WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped ORDER BY a.attnum),
		       ARRAY(SELECT pg_get_expr(k.conbin, k.conrelid) FROM pg_constraint k
		             WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.convalidated ORDER BY k.conname),
		       ARRAY(SELECT (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)
		                     FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
		                     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.number)
		             FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u') ORDER BY k.conname)
		FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname IN (current_schema(), 'money', 'river')
		ORDER BY 1`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read constraints: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[rules])
	if err != nil {
		return nil, fmt.Errorf("read constraints: %w", err)
	}
	return all, nil
}

// compareEach finds rows with a NULL that may not be, or that a check refuses. It counts by filters, which no planner
// answers from the constraint itself.
func (r rules) compareEach(ctx context.Context, tx pgx.Tx, f *finding) error {
	var counts, what []string
	if len(r.Required) > 0 {
		counts = append(counts, "count(*) FILTER (WHERE num_nulls("+strings.Join(r.Required, ", ")+") > 0)")
		what = append(what, "a column that requires a value has none")
	}
	for _, check := range r.Checks {
		counts = append(counts, "count(*) FILTER (WHERE ("+check+") IS FALSE)")
		what = append(what, "the check "+check+" is broken")
	}
	if len(counts) == 0 {
		return nil
	}
	found := make([]int64, len(counts))
	into := make([]any, len(counts))
	for i := range found {
		into[i] = &found[i]
	}
	query := "SELECT " + strings.Join(counts, ", ") + " FROM ONLY " + r.Table
	if err := tx.QueryRow(ctx, query).Scan(into...); err != nil {
		return err
	}
	for i, n := range found {
		if n > 0 {
			f.differ("%s of %s: %s", english.Count(n, "row"), r.Relation, what[i])
		}
	}
	return nil
}

// largeTable matches the tables that have a row for each member. Another invariant says that their keys are given once.
var largeTable = regexp.MustCompile(
	`_(?:targets|targets_default|targets_[0-9]+|results)$|` +
		`^money\.(?:point_member|point_member_detail|point_lot|point_draw|vouchers)$`)

// compareKeys finds keys that more than one row has.
func (r rules) compareKeys(ctx context.Context, tx pgx.Tx, f *finding) error {
	if largeTable.MatchString(r.Relation) || len(r.Keys) == 0 {
		return nil
	}
	for _, key := range r.Keys {
		query := fmt.Sprintf(`SELECT count(*) FROM (SELECT FROM ONLY %s WHERE num_nulls(%s) = 0 GROUP BY %[2]s HAVING count(*) > 1) d`,
			r.Table, key)
		var twice int64
		if err := tx.QueryRow(ctx, query).Scan(&twice); err != nil {
			return err
		}
		if twice > 0 {
			f.differ("%s of %s: more than one row has the same %s", english.Count(twice, "key"), r.Relation, key)
		}
	}
	return nil
}
