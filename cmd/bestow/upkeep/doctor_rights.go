package upkeep

import (
	"context"
	_ "embed"
	"regexp"
	"strings"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// rights are what the database lets the role of a session do.
type rights struct {
	Role        string
	Superuser   bool
	BypassRLS   bool
	NotServices bool     // it may not even note a process: no process works as it
	OnlyLedger  bool     // it may grant, and may not write an event: docs/rights.md
	Lacking     []string // of what the service needs
	Owned       int      // tables of the service that it owns
	Creates     bool     // it may make tables beside those of the service
	Changeable  []string // tables of the audit that it could change
}

// selectRole reads who the session is. The schema of bestow's own tables is the session's.
const selectRole = `SELECT r.rolname, r.rolsuper, r.rolbypassrls,
	NOT has_table_privilege('processes', 'INSERT'),
	NOT has_table_privilege('campaign_events', 'INSERT') AND EXISTS (SELECT FROM pg_class
		WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'money') AND relname = 'point_member'
			AND has_table_privilege(oid, 'INSERT')),
	has_table_privilege('event_types', 'SELECT')
	FROM pg_roles r WHERE r.rolname = current_user`

// selectLacking lists what the role lacks of the rights on objects of a kind, in the order of the objects. An object or
// a column that is not there is lacking too.
const selectLacking = `SELECT privilege || coalesce(' (' || nullif(col, '') || ')', '') || ' ON '
		|| CASE kind WHEN 'TABLE' THEN '' ELSE kind || ' ' END || object
	FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY needed (kind, object, privilege, col, place)
	LEFT JOIN pg_namespace n ON n.nspname = CASE WHEN kind = 'SCHEMA' AND object <> 'public' THEN object
		WHEN object ~ '\.' THEN split_part(object, '.', 1) ELSE current_schema() END
	LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = regexp_replace(object, '^.*\.', '')
	WHERE NOT coalesce(CASE kind
		WHEN 'SCHEMA' THEN has_schema_privilege(n.oid, privilege)
		WHEN 'SEQUENCE' THEN has_sequence_privilege(c.oid, privilege)
		WHEN 'FUNCTION' THEN (SELECT bool_and(has_function_privilege(p.oid, privilege)) FROM pg_proc p
			WHERE p.pronamespace = n.oid AND p.proname = object)
		WHEN 'DATABASE' THEN has_database_privilege(current_database(), privilege)
		ELSE CASE col WHEN '' THEN has_table_privilege(c.oid, privilege)
			ELSE has_column_privilege(c.oid, (SELECT attnum FROM pg_attribute WHERE attrelid = c.oid AND attname = col), privilege) END
		END, false)
	ORDER BY place`

// selectUnreadable lists the tables and sequences that the role may not read.
const selectUnreadable = `SELECT 'SELECT ON ' || CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE '' END
		|| CASE n.nspname WHEN current_schema() THEN '' ELSE n.nspname || '.' END || c.relname
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname IN (current_schema(), 'money', 'river') AND c.relname !~ '^import_stage_'
		AND CASE c.relkind WHEN 'S' THEN NOT has_sequence_privilege(c.oid, 'SELECT')
			WHEN 'r' THEN NOT has_table_privilege(c.oid, 'SELECT') WHEN 'p' THEN NOT has_table_privilege(c.oid, 'SELECT') END
	ORDER BY c.relkind = 'S', c.relname`

// selectOwned counts the tables that the role owns, and so could change or drop, with their triggers and their history,
// and reports whether it could make others among them.
const selectOwned = `SELECT count(*) FILTER (WHERE pg_has_role(relowner, 'MEMBER')),
		EXISTS (SELECT FROM pg_namespace WHERE nspname IN (current_schema(), 'money', 'river')
			AND (has_schema_privilege(oid, 'CREATE') OR pg_has_role(nspowner, 'MEMBER')))
	FROM pg_class WHERE relkind IN ('r', 'p') AND relname !~ '^import_stage_'
		AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN (current_schema(), 'money', 'river'))`

// selectChangeable lists the tables of the audit that the role could change or empty, or whose triggers it could drop.
const selectChangeable = `SELECT relname FROM pg_class
	WHERE relnamespace = current_schema()::regnamespace AND relname IN ('audit_log', 'audit_chain', 'audit_anchors')
		AND (pg_has_role(relowner, 'MEMBER') OR has_any_column_privilege(oid, 'UPDATE') OR has_table_privilege(oid, 'DELETE')
			OR has_table_privilege(oid, 'TRUNCATE') OR has_table_privilege(oid, 'TRIGGER')) ORDER BY relname`

// readRights reads what the database lets the role of the session do.
func readRights(ctx context.Context, tx pgx.Tx) (r rights, err error) {
	var readsTypes bool
	err = tx.QueryRow(ctx, selectRole).Scan(&r.Role, &r.Superuser, &r.BypassRLS, &r.NotServices, &r.OnlyLedger,
		&readsTypes)
	if err != nil {
		return r, err
	}
	if err := tx.QueryRow(ctx, selectOwned).Scan(&r.Owned, &r.Creates); err != nil {
		return r, err
	}
	var types []eventrow.Type
	if readsTypes {
		if types, err = eventrow.AllTypes(ctx, tx); err != nil {
			return r, err
		}
	}
	var unreadable []string
	needed := neededRights(types)
	for _, list := range []struct {
		into  *[]string
		query string
		args  []any
	}{
		{&r.Lacking, selectLacking, needed.columns()}, {&unreadable, selectUnreadable, nil}, {&r.Changeable, selectChangeable, nil},
	} {
		rows, err := tx.Query(ctx, list.query, list.args...)
		if err != nil {
			return r, err
		}
		if *list.into, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return r, err
		}
	}
	r.Lacking = append(r.Lacking, unreadable...)
	return r, nil
}

// shownRights says how many missing rights a doctor names.
const shownRights = 5

// rights looks at the role that DATABASE_URL names: what the service needs, and what a fault or an attacker would use.
func (d *doctor) rights(ctx context.Context) {
	r, err := pg.Value(ctx, d.pool, func(tx pgx.Tx) (rights, error) { return readRights(ctx, tx) })
	if err != nil {
		d.say("rights", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	switch {
	case r.Superuser:
		d.say("rights", Warning, "the role %s is a superuser, whom no right and no trigger stops: let the service sign in "+
			"as a role of its own (docs/rights.md)", r.Role)
		return
	case r.NotServices:
		d.say("rights", Skipped, "the role %s cannot write the table processes, so no process works as it: "+
			"give the doctor the DATABASE_URL of the service", r.Role)
		return
	case r.OnlyLedger:
		d.say("rights", Skipped, "the role %s is one of a ledger that runs apart: docs/rights.md lists its rights", r.Role)
		return
	}
	d.sayRights(r)
}

// sayRights says what the role of a process with all roles lacks, and what it has too much.
func (d *doctor) sayRights(r rights) {
	if len(r.Lacking) > 0 {
		more := ""
		if n := len(r.Lacking) - shownRights; n > 0 {
			more = " and " + english.Count(n, "more right")
		}
		d.say("rights", Wrong, "the role %s lacks what the service needs: %s%s. Run the SQL of "+
			"docs/rights.md again, as the owner of the tables", r.Role,
			strings.Join(r.Lacking[:min(shownRights, len(r.Lacking))], ", "), more)
	}
	if r.BypassRLS {
		d.say("rights", Warning, "the role %s has BYPASSRLS, which the service does not need: ALTER ROLE %s NOBYPASSRLS",
			r.Role, pgx.Identifier{r.Role}.Sanitize())
	}
	switch {
	case r.Owned > 0:
		d.say("rights", Warning, "the role %s owns %s, so it could drop triggers and change what is kept for ever: "+
			"let the service sign in as a role that owns nothing (docs/rights.md)", r.Role, english.Count(r.Owned, "table"))
	case len(r.Changeable) > 0:
		d.say("rights", Warning, "the role %s can change the audit (%s): grant it SELECT and INSERT on these tables, and no "+
			"more (docs/rights.md)", r.Role, strings.Join(r.Changeable, ", "))
	case r.Creates:
		d.say("rights", Warning, "the role %s can make tables beside those of the service: REVOKE CREATE ON SCHEMA public "+
			"FROM PUBLIC, and from the role (docs/rights.md)", r.Role)
	case len(r.Lacking) == 0 && !r.BypassRLS:
		d.say("rights", Fine, "the role %s has what the service needs, owns nothing, and cannot change the audit", r.Role)
	}
}

// serviceRights is the SQL of docs/rights.md that gives the role bestow_service the rights of a process with all roles.
//
//go:embed service_rights.sql
var serviceRights string

// right is one privilege on one object.
type right struct {
	kind      string // TABLE, SEQUENCE, FUNCTION, SCHEMA or DATABASE
	object    string
	privilege string
	column    string // "" for the whole object
}

type rightList []right

// columns returns the rights as the arguments of selectLacking.
func (l rightList) columns() []any {
	var kinds, objects, privileges, columns []string
	for _, r := range l {
		kinds, objects = append(kinds, r.kind), append(objects, r.object)
		privileges, columns = append(privileges, r.privilege), append(columns, r.column)
	}
	return []any{kinds, objects, privileges, columns}
}

// grantStatement matches a GRANT of serviceRights: what is granted, on what kind of object, and on which.
var grantStatement = regexp.MustCompile(
	`(?m)^GRANT ([^;]+?)\s+ON (?:(SCHEMA|SEQUENCE|FUNCTION) )?([^;]+?) TO bestow_service;`)

// privilege matches a privilege and its columns, if it has any.
var privilege = regexp.MustCompile(`([A-Z]+)(?: \(([^)]*)\))?`)

// neededRights lists what a process with all roles needs, but for the right to read: what serviceRights grants, for
// each further type the same as for POINT or VOUCHER, and temporary tables, which PUBLIC may make.
func neededRights(types []eventrow.Type) (needed rightList) {
	for _, grant := range grantStatement.FindAllStringSubmatch(serviceRights, -1) {
		granted, kind, objects := grant[1], grant[2], grant[3]
		if strings.HasPrefix(objects, "ALL ") {
			continue // selectUnreadable
		}
		if kind == "" {
			kind = "TABLE"
		}
		for _, object := range listed(objects) {
			for _, p := range privilege.FindAllStringSubmatch(granted, -1) {
				for _, column := range listed(p[2]) {
					needed = append(needed, right{kind, object, p[1], column})
				}
			}
		}
	}
	needed = append(needed, right{"DATABASE", "this one", "TEMPORARY", ""})
	return append(needed, rightsOfTypes(needed, types)...)
}

// listed returns what stands between commas, and "" for nothing.
func listed(s string) []string {
	all := strings.Split(s, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// rightsOfTypes lists the rights on the tables of the types that have been made beside POINT and VOUCHER.
func rightsOfTypes(needed rightList, types []eventrow.Type) (more rightList) {
	for _, t := range types {
		if t.Code == "POINT" || t.Code == "VOUCHER" || t.State == domain.TypeCreating {
			continue
		}
		like := "point_"
		if t.Operation == domain.Vouchers {
			like = "voucher_"
		}
		for _, r := range needed {
			if rest, ok := strings.CutPrefix(r.object, like); ok {
				r.object = strings.ToLower(t.Code) + "_" + rest
				more = append(more, r)
			}
		}
	}
	return more
}
