package upkeep

import (
	"context"
	"strings"

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
	Changeable  []string // tables of the audit that it could change
}

// selectRole reads who the session is. The schema of bestow's own tables is the session's.
const selectRole = `SELECT r.rolname, r.rolsuper, r.rolbypassrls,
	NOT has_table_privilege('processes', 'INSERT'),
	NOT has_table_privilege('campaign_events', 'INSERT') AND EXISTS (SELECT FROM pg_class
		WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'money') AND relname = 'point_member'
			AND has_table_privilege(oid, 'INSERT'))
	FROM pg_roles r WHERE r.rolname = current_user`

// selectLacking lists what the role lacks of what a process with all roles needs: the schemas, the tables that it makes
// partitions of, which it must own, and to read and write the others, but for rows that are never changed: those of the
// audit, of the ledger, and of what was migrated. Sequences of identity columns need no right.
const selectLacking = `WITH tables AS (SELECT c.oid, c.relname, c.relkind, c.relowner, n.nspname FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'S') AND NOT c.relispartition AND n.nspname IN (current_schema(), 'money', 'river'))
	SELECT 'USAGE ON SCHEMA ' || nspname FROM pg_namespace
		WHERE nspname IN (current_schema(), 'money', 'river') AND NOT has_schema_privilege(oid, 'USAGE')
	UNION ALL SELECT 'CREATE ON SCHEMA ' || current_schema() WHERE NOT has_schema_privilege(current_schema(), 'CREATE')
	UNION ALL SELECT 'OWNER OF ' || nspname || '.' || relname FROM tables
		WHERE relkind = 'p' AND NOT pg_has_role(relowner, 'USAGE')
	UNION ALL SELECT privilege || ' ON ' || nspname || '.' || relname FROM tables
		CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege
		WHERE relkind <> 'S' AND NOT has_table_privilege(oid, privilege) AND (privilege = 'SELECT'
			OR relname NOT IN ('goose_db_version', 'river_migration')
			AND (privilege = 'INSERT' OR nspname <> 'money' AND relname NOT LIKE 'audit\_%'))
	UNION ALL SELECT 'USAGE ON SEQUENCE ' || nspname || '.' || relname FROM tables
		WHERE CASE relkind WHEN 'S' THEN NOT has_sequence_privilege(oid, 'USAGE') ELSE false END
			AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = tables.oid AND d.deptype = 'i')`

// selectChangeable lists the tables of the audit that the role could change or empty, or whose triggers it could drop.
const selectChangeable = `SELECT relname FROM pg_class
	WHERE relnamespace = current_schema()::regnamespace AND relname IN ('audit_log', 'audit_chain', 'audit_anchors')
		AND (pg_has_role(relowner, 'USAGE') OR has_table_privilege(oid, 'UPDATE') OR has_table_privilege(oid, 'DELETE')
			OR has_table_privilege(oid, 'TRUNCATE') OR has_table_privilege(oid, 'TRIGGER')) ORDER BY relname`

// readRights reads what the database lets the role of the session do.
func readRights(ctx context.Context, tx pgx.Tx) (r rights, err error) {
	err = tx.QueryRow(ctx, selectRole).Scan(&r.Role, &r.Superuser, &r.BypassRLS, &r.NotServices, &r.OnlyLedger)
	if err != nil {
		return r, err
	}
	for query, list := range map[string]*[]string{selectLacking: &r.Lacking, selectChangeable: &r.Changeable} {
		rows, err := tx.Query(ctx, query)
		if err != nil {
			return r, err
		}
		if *list, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return r, err
		}
	}
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
		d.say("rights", Wrong, "the role %s lacks what the service needs: %s%s. GRANT it, or let the role own the tables "+
			"(docs/rights.md)", r.Role, strings.Join(r.Lacking[:min(shownRights, len(r.Lacking))], ", "), more)
	}
	if r.BypassRLS {
		d.say("rights", Warning, "the role %s has BYPASSRLS, which the service does not need: ALTER ROLE %s NOBYPASSRLS",
			r.Role, pgx.Identifier{r.Role}.Sanitize())
	}
	if len(r.Changeable) > 0 {
		d.say("rights", Warning, "the role %s can change the audit (%s): let another role own these tables, and grant this "+
			"one SELECT and INSERT (docs/rights.md)", r.Role, strings.Join(r.Changeable, ", "))
	}
	if len(r.Lacking) == 0 && !r.BypassRLS && len(r.Changeable) == 0 {
		d.say("rights", Fine, "the role %s has what the service needs, and cannot change the audit", r.Role)
	}
}
