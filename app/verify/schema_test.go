package verify

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bestow/app/processes"
	"bestow/app/verify/catalog"
	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// The golden catalog is that of a database which the migrations have just made, with one event's own partition in it.
// After a new migration: BESTOW_TEST_GOLDEN=1 go test ./app/verify -run TestSchemaIsWhatMigrationsMake
func TestSchemaIsWhatMigrationsMake(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	_, err := pool.Exec(t.Context(),
		`INSERT INTO campaign_events (id, campaign_id, event_type, created_by) VALUES (`+catalog.GoldenEvent+
			`, 'golden', 'POINT', 'test');
		SELECT create_targets_partition('POINT', `+catalog.GoldenEvent+`), index_targets_partition('POINT', `+catalog.GoldenEvent+
			`), attach_targets_partition('POINT', `+catalog.GoldenEvent+`)`)
	require.NoError(t, err)
	require.NoError(t, poorVerifier(pool).read(t.Context(), func(tx guarded) error {
		c, err := catalog.Read(t.Context(), tx, tx.schema)
		require.NoError(t, err)
		err = c.ReadApplied(t.Context(), tx)
		golden(t, "catalog/schema.txt", c.Text())
		return err
	}))
}

// schemaFindings are the differences of I41 after a statement, which is rolled back.
func schemaFindings(t *testing.T, sql string) (f finding) {
	t.Helper()
	f.measures = measures{}
	pool := pgtest.New(t)
	_, err := pool.Exec(t.Context(), sql)
	require.NoError(t, err)
	require.NoError(t, poorVerifier(pool).read(t.Context(), func(tx guarded) error {
		var v verification
		require.NoError(t, v.prepare(t.Context(), tx))
		return compareSchema(t.Context(), tx, &v, &f)
	}))
	return f
}

// hook is a function of a forger's, which may do anything.
const hook = `CREATE FUNCTION hook(varchar) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END';`

// countsNone is an aggregate that PostgreSQL's count("any") yields to.
const countsNone = `CREATE FUNCTION %[1]s.c0(bigint, text) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 0::bigint';
	CREATE AGGREGATE %[1]s.count(text) (sfunc = %[1]s.c0, stype = bigint, initcond = '0')`

// What a forger adds to the schema or changes in it is a difference, and example is a part of what is said of it.
func TestForgedSchema(t *testing.T) {
	t.Parallel()
	for _, f := range []struct{ name, sql, example string }{
		{"N1 an aggregate", strings.ReplaceAll(countsNone, "%[1]s", "public"), "function count(text) is there"},
		{"N1 an aggregate in money", strings.ReplaceAll(countsNone, "%[1]s", "money"), "function money.count(text) is there"},
		{"N1 an aggregate in river", strings.ReplaceAll(countsNone, "%[1]s", "river"), "function river.count(text) is there"},
		{"N1 a function of sets", `CREATE FUNCTION generate_series(integer, bigint) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT 1::bigint WHERE false'`, "function generate_series(integer, bigint)"},
		{"N1 a function of texts", `CREATE FUNCTION convert_to(text, text) RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea'`, "function convert_to(text, text)"},
		{"N1 a procedure", `CREATE PROCEDURE sha256(text) LANGUAGE sql AS 'SELECT 1'`, "function sha256(IN text)"},
		{"N1 a function of a row", `CREATE FUNCTION to_jsonb(imports) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb'`, "function to_jsonb("},
		{"N1 another function under a name of ours", `CREATE FUNCTION import_digest(integer) RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea'`, "import_digest(integer) is there"},
		{"N2 a setting of a function", `ALTER FUNCTION import_digest(bigint) SET search_path = evil, pg_catalog`, "import_digest(import bigint) lacks: function md5"},
		{"N2 strictness", `ALTER FUNCTION import_digest(bigint) STRICT`, "import_digest(import bigint) lacks"},
		{"N2 a default", `CREATE OR REPLACE FUNCTION attach_targets_partition(type_code text, event bigint DEFAULT 7) RETURNS void LANGUAGE plpgsql AS 'BEGIN END'`, "defaults 7"},
		{"N2 what is returned", `DROP FUNCTION create_event_type_tables(text, text); CREATE FUNCTION create_event_type_tables(text, text) RETURNS int LANGUAGE plpgsql AS 'BEGIN END'`, "create_event_type_tables("},
		{
			"N3 a default that calls a forger's function", `CREATE FUNCTION now() RETURNS timestamptz LANGUAGE sql AS 'SELECT clock_timestamp()';
			ALTER TABLE point_results ALTER created_at SET DEFAULT public.now()`,
			"point_results lacks: column created_at timestamp with time zone not null default now()",
		},
		{
			"N3 an id that a forger gives", `CREATE FUNCTION nextval(text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
			ALTER TABLE point_results ALTER id SET DEFAULT public.nextval('point_results_id_seq')`,
			"point_results lacks: column id",
		},
		{"N3 a check that calls a forger's function", `CREATE FUNCTION octet_length(bytea) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 32';
			ALTER TABLE starts DROP CONSTRAINT starts_root_check; ALTER TABLE starts ADD CONSTRAINT starts_root_check CHECK (public.octet_length(root) = 32)`, "starts lacks: constraint starts_root_check"},
		{"N3 a domain under the name of a type", hook + `CREATE DOMAIN public.bytea AS pg_catalog.bytea CHECK (hook('x') = 1); ALTER TABLE money.vouchers ALTER sealed_code TYPE public.bytea`, "money.vouchers lacks: column sealed_code bytea"},
		{"N5 an index of an expression", hook + `CREATE INDEX zz ON point_results (hook(member_id))`, "point_results has, and no migration made it: computed index"},
		{"N5 an index with a condition", hook + `CREATE INDEX zz ON money.vouchers (member_id) WHERE hook(member_id) = 1`, "money.vouchers has, and no migration made it: computed index"},
		{"N5 statistics of an expression", hook + `CREATE STATISTICS zz ON (hook(member_id)) FROM point_results`, "point_results has, and no migration made it: computed statistics"},
		{
			"N6 a collation", `CREATE COLLATION public."C" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
			ALTER TABLE idempotency_keys ALTER key TYPE varchar(200) COLLATE public."C"`,
			`idempotency_keys has, and no migration made it: column key character varying(200) not null collate <main>."C"`,
		},
		{"N10 a second schema with the tables", `CREATE SCHEMA evil; CREATE TABLE evil.campaign_events AS TABLE campaign_events`, "schema evil is there, and no migration made it: tables as those of public"},
		{"a table whose rows are those of ours as well", `CREATE TABLE more () INHERITS (point_results)`, "more is there, and no migration made it: partition of"},
		{"a table that is called as one of an import's, with rows of the ledger", `CREATE TABLE money.import_stage_7 () INHERITS (money.point_member)`, "money.import_stage_7 is there, and no migration made it: partition of"},
		{
			"a cast between types of PostgreSQL", `CREATE FUNCTION hook(bigint) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
			CREATE CAST (bigint AS text) WITH FUNCTION hook(bigint) AS ASSIGNMENT`,
			"PostgreSQL has, and it is not its own: cast from bigint to text",
		},
		{"an aggregate among PostgreSQL's own", strings.ReplaceAll(countsNone, "%[1]s", "pg_catalog"), "PostgreSQL has, and it is not its own: function count(text)"},
		{
			"an operator among PostgreSQL's own", `CREATE FUNCTION alike(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true';
			CREATE OPERATOR pg_catalog.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = alike)`,
			"PostgreSQL has, and it is not its own: operator =(character varying,character varying)",
		},
		{"a sequence that a crash resets", `ALTER SEQUENCE money.point_member_id_seq SET UNLOGGED`, "sequence money.point_member_id_seq that a crash of the server resets"},
		{"indexes that are not used", `UPDATE pg_class SET relhasindex = false WHERE oid = 'money.point_member'::regclass`, "money.point_member has, and no migration made it: indexes that are not used"},
		{
			"a trigger that is called PostgreSQL's", `CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
			CREATE TRIGGER quiet BEFORE INSERT ON imports FOR EACH ROW EXECUTE FUNCTION quiet(); UPDATE pg_trigger SET tgisinternal = true WHERE tgname = 'quiet'`,
			"imports has, and no migration made it: trigger CREATE TRIGGER quiet",
		},
		{
			"a foreign key's trigger", `UPDATE pg_trigger SET tgfoid = 'suppress_redundant_updates_trigger'::regproc WHERE tgrelid = 'imports'::regclass AND tgisinternal`,
			"that its triggers do not enforce",
		},
		{"a table whose rows are those of the ledger as well", `CREATE TABLE more () INHERITS (money.vouchers)`, "more is there, and no migration made it: partition of"},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, strings.Join(schemaFindings(t, f.sql).examples, "\n"), f.example)
		})
	}
}

// A row that breaks a constraint is a difference, though the constraint is there.
func TestRowsObeyTheConstraints(t *testing.T) {
	t.Parallel()
	for _, f := range []struct{ name, sql, example string }{
		{
			"a check", `ALTER TABLE money.point_account DROP CONSTRAINT point_account_owed_check;
			INSERT INTO money.point_account (member_id, owed) VALUES ('m', -1000000), ('n', -5);
			ALTER TABLE money.point_account ADD CONSTRAINT point_account_owed_check CHECK (owed >= 0) NOT VALID;
			UPDATE pg_constraint SET convalidated = true WHERE conname = 'point_account_owed_check'`,
			"2 rows of money.point_account: the check (owed >= 0) is broken",
		},
		{
			"a value", `ALTER TABLE event_types ALTER state DROP NOT NULL; UPDATE event_types SET state = NULL WHERE code = 'POINT';
			UPDATE pg_attribute SET attnotnull = true WHERE attrelid = 'event_types'::regclass AND attname = 'state'`,
			"1 row of event_types: a column that requires a value has none",
		},
		{
			"a key", `UPDATE pg_index SET indisunique = false WHERE indrelid = 'event_types'::regclass;
			INSERT INTO event_types SELECT * FROM event_types; UPDATE pg_index SET indisunique = true WHERE indrelid = 'event_types'::regclass`,
			"2 keys of event_types: more than one row has the same code",
		},
		{
			"a key that its index does not have", `UPDATE pg_class SET relhasindex = false WHERE oid = 'money.ledger'::regclass;
			INSERT INTO money.ledger SELECT * FROM money.ledger; UPDATE pg_class SET relhasindex = true WHERE oid = 'money.ledger'::regclass`,
			"1 key of money.ledger: more than one row has the same ",
		},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, strings.Join(schemaFindings(t, f.sql).examples, "\n"), f.example)
		})
	}
}

// What operators add for themselves is no difference.
func TestSchemaOfOperators(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"nothing": `SELECT 1`,
		"a table and a function": hook +
			`CREATE TABLE theirs (id bigint PRIMARY KEY REFERENCES campaign_events)`,
		"an index of columns":           `CREATE INDEX zz ON point_results (created_at, member_id)`,
		"statistics of columns":         `CREATE STATISTICS zz ON event_id, status FROM point_results`,
		"N11 triggers that are fired":   `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = origin', current_database()); END $$`,
		"a schema with another's table": `CREATE SCHEMA bank; CREATE TABLE bank.events (id bigint)`,
		"N15 extensions":                `CREATE EXTENSION pg_trgm; CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION intarray; CREATE EXTENSION pgcrypto`,
		"a helper of other types":       `CREATE FUNCTION round(double precision, integer) RETURNS numeric LANGUAGE sql AS 'SELECT round($1::numeric, $2)'`,
		"a function that is never chosen": `CREATE FUNCTION now() RETURNS timestamptz LANGUAGE sql AS 'SELECT clock_timestamp()';
			CREATE FUNCTION nextval(text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'; DROP FUNCTION nextval(text)`,
		"an operator of their own": `CREATE FUNCTION alike(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = alike)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, schemaFindings(t, sql).examples)
		})
	}
}

// A role with the rights that docs/verify.md gives the auditor proves all, and may read nothing by which people sign in.
// One that may read no sequence proves nothing of these, and finds no difference (N11).
func TestVerifyWithoutRights(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	role := "auditor_" + strings.ToLower(rand.Text())
	tables, sequences := auditorRights(t, role)
	_, err := pool.Exec(t.Context(), `CREATE ROLE `+role+`; `+tables)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := pool.Exec(context.WithoutCancel(t.Context()), `DROP OWNED BY `+role+`; DROP ROLE `+role)
		require.NoError(t, err)
	})
	config := pool.Config()
	config.ConnConfig.RuntimeParams["role"] = role
	auditor, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(auditor.Close)
	report, red := verify(t, auditor, Query{})
	require.Empty(t, red)
	require.False(t, report.OK)
	require.Contains(t, report.Conclusion(), "not compared: I42: the role of this session may not read it")
	_, err = pool.Exec(t.Context(), sequences)
	require.NoError(t, err)
	report, _ = verify(t, auditor, Query{})
	require.True(t, report.OK, report.Conclusion())
	require.Equal(t, "public", report.Schema)
	for _, secret := range []string{"hash FROM passwords", "wrapped FROM passwords", "wrapped FROM invites"} {
		_, err := auditor.Exec(t.Context(), `SELECT `+secret)
		require.ErrorContains(t, err, "permission denied", secret)
	}
}

// auditorRights returns the statements by which docs/verify.md gives the rights on tables, and those on sequences.
func auditorRights(t *testing.T, role string) (tables, sequences string) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/verify.md")
	require.NoError(t, err)
	for line := range strings.Lines(string(doc)) {
		switch sql, found := strings.CutPrefix(line, "    "); {
		case !found || !strings.HasPrefix(sql, "GRANT") && !strings.HasPrefix(sql, "REVOKE"):
		case strings.Contains(sql, "SEQUENCES"):
			sequences += strings.ReplaceAll(sql, "auditor", role)
		default:
			tables += strings.ReplaceAll(sql, "auditor", role)
		}
	}
	require.NotEmpty(t, tables)
	require.NotEmpty(t, sequences)
	return tables, sequences
}

// A database that pg_dump and pg_restore have copied is what the migrations make (N9).
func TestSchemaOfRestoredDatabase(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	from := pool.Config().ConnString()
	dump := filepath.Join(t.TempDir(), "world.dump")
	if out, err := exec.CommandContext(t.Context(), "pg_dump", "--format=custom", "--file="+dump,
		"--dbname="+from).CombinedOutput(); err != nil {
		t.Skipf("no pg_dump of this PostgreSQL can dump the database: %v %s", err, out)
	}
	to := pgtest.Empty(t)
	out, err := exec.CommandContext(t.Context(), "pg_restore", "--no-owner", "--dbname="+to, dump).CombinedOutput()
	require.NoError(t, err, string(out))
	restored, err := pgxpool.New(t.Context(), to)
	require.NoError(t, err)
	t.Cleanup(restored.Close)
	report, red := verify(t, restored, Query{})
	require.Empty(t, red, "%+v", report)
}

// A table cannot be read without code of others where that code may stand: then nothing is read, and the report says
// so.
func TestNothingIsReadThroughCodeOfOthers(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"an index of a constant": hook + `CREATE INDEX zz ON point_results (hook('x'))`,
		"a check":                hook + `ALTER TABLE point_targets ADD CHECK (hook('x') = 1)`,
		"statistics":             hook + `CREATE STATISTICS zz ON (hook(member_id)) FROM point_results`,
		"a type": hook +
			`CREATE DOMAIN amounts AS bigint CHECK (hook('x') = 1); ALTER TABLE money.vouchers ALTER amount TYPE amounts`,
		"a policy": hook + `CREATE POLICY zz ON imports USING (hook('x') = 1)`,
		"a view": hook +
			`ALTER TABLE imports RENAME TO kept; CREATE VIEW imports AS SELECT * FROM kept WHERE hook('x') = 1`,
		"a view of the migrations": hook +
			`ALTER TABLE goose_db_version RENAME TO kept; CREATE VIEW goose_db_version AS SELECT * FROM kept WHERE hook('x') = 1`,
		"a part in another schema":     `CREATE SCHEMA evil; CREATE TABLE evil.more () INHERITS (point_results)`,
		"a function of our own, anew":  `CREATE OR REPLACE FUNCTION river.river_job_state_in_bitmask(bitmask bit(8), state river.river_job_state) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'`,
		"a partition that is not ours": hook + `CREATE TABLE evil PARTITION OF point_targets FOR VALUES IN (99)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := plant(t)
			_, err := pool.Exec(t.Context(), sql)
			require.NoError(t, err)
			reports := plantedVerifier(pool)
			for _, event := range []string{"", "id:8", "campaign-8"} {
				report, red := verifyBy(t, reports, Query{Event: event})
				require.Equal(t, []string{"I41"}, red)
				for _, inv := range report.Invariants {
					require.Equal(t, inv.ID == "I41", inv.Checked, inv.ID)
				}
			}
			_, err = reports.Repair(t.Context(), Query{})
			require.ErrorIs(t, err, ErrTakenOver)
			require.ErrorIs(t, sameZone(t, reports), ErrTakenOver)
		})
	}
}

// sameZone compares a setting with those of the processes, as the command line does before a report.
func sameZone(t *testing.T, reports *Verifier) error {
	t.Helper()
	return reports.Read(t.Context(), func(tx pgx.Tx) error {
		return processes.SameSettings(t.Context(), tx, processes.Settings{processes.TimeZoneSetting: "UTC"})
	})
}

// What stands in the schema of our tables, and fits better than PostgreSQL's, is not chosen by any statement of a
// report: it raises where it runs. The world is as green as it was, but for I41, which names it.
func TestReportsChooseNothingOfPublic(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	_, err := pool.Exec(t.Context(), `
		CREATE FUNCTION raise() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'code of a forger runs as %', current_user; END $$;
		CREATE FUNCTION c0(bigint, anyelement) RETURNS bigint LANGUAGE sql AS 'SELECT raise(); SELECT 0::bigint';
		CREATE FUNCTION vceq(varchar, varchar) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT raise(); SELECT true';
		CREATE OPERATOR = (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = vceq);
		CREATE OPERATOR <> (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = vceq);
		CREATE FUNCTION quote_ident(name) RETURNS text LANGUAGE sql AS 'SELECT raise(); SELECT $1::text';
		CREATE FUNCTION quote_ident(varchar) RETURNS text LANGUAGE sql AS 'SELECT raise(); SELECT $1::text';
		CREATE FUNCTION "left"(name, integer) RETURNS text LANGUAGE sql AS 'SELECT raise(); SELECT $1::text';
		CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT raise(); SELECT $1::text';
		CREATE FUNCTION coalesced(varchar) RETURNS text LANGUAGE sql AS 'SELECT raise(); SELECT $1::text';
		CREATE FUNCTION num_nulls(varchar, integer, bigint) RETURNS integer LANGUAGE sql AS 'SELECT raise(); SELECT 0';
		CREATE FUNCTION convert_to(text, text) RETURNS bytea LANGUAGE sql AS 'SELECT raise(); SELECT NULL::bytea';
		CREATE FUNCTION hashtextextended(varchar, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT raise(); SELECT 0::bigint';
		CREATE FUNCTION width_bucket(bigint, bigint[]) RETURNS integer LANGUAGE sql AS 'SELECT raise(); SELECT 0';
		CREATE FUNCTION generate_series(integer, bigint) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT raise(); SELECT 0::bigint';
		DO $$ DECLARE type text; BEGIN FOREACH type IN ARRAY '{text,varchar,bigint,boolean}'::text[] LOOP
			EXECUTE format('CREATE AGGREGATE count(%1$s) (sfunc = c0, stype = bigint, initcond = ''0'')', type); END LOOP; END $$`)
	require.NoError(t, err)
	reports := plantedVerifier(pool)
	for _, event := range []string{"", "id:8", "campaign-8"} {
		report, red := verifyBy(t, reports, Query{Event: event})
		require.Equal(t, []string{"I41"}, red, "%+v", report)
	}
	require.NoError(t, sameZone(t, reports))
	_, err = pool.Exec(t.Context(),
		`UPDATE campaign_event_summary SET published_count = 0, success_count = 1 WHERE event_id OPERATOR(pg_catalog.=) 8`)
	require.NoError(t, err)
	repaired, err := reports.Repair(t.Context(), Query{})
	require.NoError(t, err)
	require.Len(t, repaired, 2)
}

// The main schema may have any name, and a database any search_path: sessions find the tables.
func TestVerifyInARenamedSchema(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"evil", "Ours, \"mine\" and 'theirs'"} {
		pool := plant(t)
		_, err := pool.Exec(t.Context(), `ALTER SCHEMA public RENAME TO `+pg.Quoted(name)+`;
			DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = nope', current_database()); END $$`)
		require.NoError(t, err)
		renamed, err := pg.OpenToRead(t.Context(), pool.Config().ConnString(), pg.Options{})
		require.NoError(t, err)
		t.Cleanup(renamed.Close)
		report, red := verify(t, renamed, Query{})
		require.Empty(t, red, name)
		require.True(t, report.OK, report.Conclusion())
		require.Equal(t, name, report.Schema)
		_, err = poorVerifier(renamed).Repair(t.Context(), Query{Event: "3"})
		require.NoError(t, err)
	}
}
