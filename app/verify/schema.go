package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"bestow/app/verify/catalog"
	"bestow/domain"
	"bestow/internal/english"

	"github.com/jackc/pgx/v5"
)

// neverTheirs matches what operators have no use for, and what makes statements of ours mean something else.
var neverTheirs = regexp.MustCompile(`^(setting|operator|function|schema) `)

// compareSchema compares the catalog with what the migrations make (I41). A property that is not there, or that no
// migration made, is a difference. Where there is none, the rows of all events are compared with the constraints. A
// table, a function with a name of its own, or an index of columns that is not unique may be the operators' own.
func compareSchema(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	now, want := v.catalog, catalog.Catalog{}
	if v.blind {
		for _, what := range v.taken {
			f.differ("%s", what)
		}
		now = nil
	} else {
		want = now.Wanted(v.tables.eventTypes())
	}
	compareAdded(now, want, f)
	lines := 0
	if len(now.Newer()) == 0 { // schemaGaps names migrations of a newer version
		lines = v.compareMade(now, want, f)
	}
	if f.differences == 0 && !v.blind && v.event == nil {
		if err := compareRows(ctx, tx, v, f); err != nil {
			return err
		}
	}
	return errors.Join(f.measures.add("relations", int64(len(want))), f.measures.add("lines", int64(lines)))
}

// compareMade compares each relation with what the migrations make of it, and returns how many lines it compared.
func (v *verification) compareMade(now, want catalog.Catalog, f *finding) (lines int) {
	for _, relation := range slices.Sorted(maps.Keys(want)) {
		if strings.HasPrefix(relation, "money.") && v.foreign != "" {
			continue // schemaGaps says so
		}
		lines += len(want[relation])
		if _, ok := now[relation]; !ok {
			f.differ("%s is not there", relation)
			continue
		}
		for _, line := range catalog.Missing(want[relation], now[relation]) {
			f.differ("%s lacks: %s", relation, line)
		}
		for _, line := range catalog.Missing(now[relation], want[relation]) {
			if !strings.HasPrefix(line, "index ") {
				f.differ("%s has, and no migration made it: %s", relation, line)
			}
		}
	}
	return lines
}

// compareAdded finds what no migration made and what changes the meaning of our statements or the contents of our
// tables.
func compareAdded(now, want catalog.Catalog, f *finding) {
	ours := map[string]bool{}
	for relation := range want {
		if name, _, isFunction := strings.Cut(relation, "("); isFunction {
			ours[name] = true
		}
	}
	for _, relation := range slices.Sorted(maps.Keys(now)) {
		if _, made := want[relation]; made {
			continue
		}
		name, _, isFunction := strings.Cut(relation, "(")
		child := slices.IndexFunc(now[relation], func(line string) bool { return inherits(line, want) })
		switch {
		case neverTheirs.MatchString(relation), isFunction && ours[name]:
			f.differ("%s is there, and no migration made it: %s", relation, now[relation][0])
		case child >= 0:
			f.differ("%s is there, and no migration made it: %s", relation, now[relation][child])
		}
	}
}

// inherits reports whether a line says that its table is a part of one of ours, whose rows are then those of both.
func inherits(line string, want catalog.Catalog) bool {
	parent, isPart := catalog.ParentOf(line)
	_, ours := want[parent]
	return isPart && ours
}

// schemaGaps returns what of the schema this program cannot judge.
func schemaGaps(_ context.Context, _ pgx.Tx, v *verification) (gaps []Gap, err error) {
	if applied := v.catalog.Newer(); len(applied) > 0 {
		gaps = append(gaps,
			Gap{Why: "the database has migrations that this program does not know (" + strings.Join(applied, ", ") +
				"): verify with the newer version", Events: int64(v.events)})
	}
	if v.foreign != "" {
		gaps = append(gaps, Gap{Why: "the tables of the ledger: " + v.foreign, Events: int64(v.events)})
	}
	return gaps, nil
}

// registeredType is a row of event_types, or a type that events name and the registry does not have.
type registeredType struct {
	Code, State, Granter, Operation string
	Events                          int64
}

// making reports whether the type is still being made, so that it can have no events.
func (r registeredType) making() bool { return r.State != "READY" && r.State != "RETIRED" }

// compareTypes compares the registry of types with the tables that are there (I35).
func compareTypes(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	const query = `SELECT coalesce(y.code, e.event_type), coalesce(y.state, ''), coalesce(y.granter, ''), coalesce(y.operation, ''), coalesce(e.n, 0)
		FROM public.event_types y
		FULL JOIN (SELECT event_type, count(*) AS n FROM public.campaign_events GROUP BY event_type) e ON e.event_type = y.code
		WHERE $1::bigint IS NULL OR coalesce(y.code, e.event_type) = (SELECT event_type FROM public.campaign_events WHERE id = $1)
		ORDER BY 1`
	rows, err := tx.Query(ctx, query, v.event)
	if err != nil {
		return fmt.Errorf("read registry of types: %w", err)
	}
	registry, err := pgx.CollectRows(rows, pgx.RowToStructByPos[registeredType])
	if err != nil {
		return fmt.Errorf("read registry of types: %w", err)
	}
	there := map[string]presentType{}
	for _, y := range v.tables {
		there[y.Code] = y
	}
	for _, r := range registry {
		if err := compareType(ctx, tx, r, there, f); err != nil {
			return err
		}
		delete(there, r.Code)
	}
	if v.event == nil {
		for _, y := range v.tables {
			if _, left := there[y.Code]; left {
				f.differ("the tables of type %s are there, and event_types does not have it", y.Code)
			}
		}
	}
	if err := compareAuditedTypes(ctx, tx, v.event, f); err != nil {
		return err
	}
	if err := comparePartitions(ctx, tx, v.event, f); err != nil {
		return err
	}
	return f.measures.add("types", int64(len(registry)))
}

// comparePartitions compares what events say of where their targets are with the tables that are there.
func comparePartitions(ctx context.Context, tx pgx.Tx, event *int64, f *finding) error {
	const query = `SELECT e.id, coalesce(e.own_partition, false)
		FROM public.campaign_events e
		LEFT JOIN pg_class t ON t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND t.relname = lower(e.event_type) || '_targets_' || e.id
		WHERE ($1::bigint IS NULL OR e.id = $1) AND coalesce(e.own_partition, false) <> (t.oid IS NOT NULL) ORDER BY e.id`
	rows, err := tx.Query(ctx, query, event)
	if err != nil {
		return fmt.Errorf("compare partitions: %w", err)
	}
	var id int64
	var own bool
	_, err = pgx.ForEachRow(rows, []any{&id, &own}, func() error {
		f.differ("event %d: own_partition is %t, the tables say %t", id, own, !own)
		return nil
	})
	if err != nil {
		return fmt.Errorf("compare partitions: %w", err)
	}
	return nil
}

// compareType compares one line of the registry with its tables.
func compareType(ctx context.Context, tx pgx.Tx, r registeredType, there map[string]presentType, f *finding) error {
	y, ok := there[r.Code]
	switch {
	case r.State == "":
		f.differ("%s of type %s, which event_types does not have", english.Count(r.Events, "event"), r.Code)
		return nil
	case !ok && (r.Events > 0 || r.State != "CREATING"):
		f.differ("type %s has no tables, and %s", r.Code, english.Count(r.Events, "event"))
		return nil
	case !ok:
		return nil // it is just being made
	}
	compareRegistered(r, y, f)
	used, err := typeUsed(ctx, tx, y)
	if err != nil {
		return err
	}
	switch {
	case r.making() && (used || r.Events > 0):
		f.differ("type %s is %s, and has %s", r.Code, r.State, english.Count(r.Events, "event"))
	case domain.TypeState(r.State) == domain.TypeCreating: // its tables and its next state are one transaction
		f.differ("type %s is %s, and has its tables", r.Code, r.State)
	}
	return f.measures.add("events", r.Events)
}

// compareRegistered compares what the registry says of a type with what its tables and the ledger show.
func compareRegistered(r registeredType, y presentType, f *finding) {
	switch {
	case domain.Operation(r.Operation) != y.Operation:
		f.differ("type %s is registered for %s, its tables are made for %s", r.Code, r.Operation, y.Operation)
	case r.Granter != domain.OurGranter && y.ours:
		f.differ("type %s is granted by %q, but the ledger here granted for its events", r.Code, r.Granter)
	}
}

// typeUsed reports whether the tables of a type hold anything.
func typeUsed(ctx context.Context, tx pgx.Tx, y presentType) (used bool, err error) {
	query := `SELECT EXISTS (SELECT FROM ` + inPublic(y.TargetTable()) + `) OR EXISTS (SELECT FROM ` +
		inPublic(y.ResultTable()) + `)`
	if err := tx.QueryRow(ctx, query).Scan(&used); err != nil {
		return false, fmt.Errorf("look into the tables of type %s: %w", y.Code, err)
	}
	return used, nil
}

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
		if !v.catalog.Ours(r.Relation) || secret[r.Relation] || v.foreign != "" && strings.HasPrefix(r.Relation, "money.") {
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

// secret are the tables whose rows are not read: they prove nothing, and an auditor need not have the right.
var secret = map[string]bool{"passwords": true, "invites": true}

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
