package verify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"bestow/app/verify/catalog"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// guardedPath lets a name alone find what PostgreSQL itself has, and nothing else. An operator or a function that fits
// better than PostgreSQL's would stand in for it from any other schema of the path, and would run with the rights of
// the role that asks for the report.
const guardedPath = `SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL standard_conforming_strings = on; `

// guarded is a transaction whose statements name the schema of every table. They write the main schema as public; the
// transaction puts its real name in. Without a schema it is a transaction of the service, in which the session's path
// finds the tables.
type guarded struct {
	pgx.Tx

	schema string
}

// Query implements pgx.Tx.
func (g guarded) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return g.Tx.Query(ctx, g.named(sql), args...)
}

// QueryRow implements pgx.Tx.
func (g guarded) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return g.Tx.QueryRow(ctx, g.named(sql), args...)
}

// Exec implements pgx.Tx.
func (g guarded) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return g.Tx.Exec(ctx, g.named(sql), args...)
}

// Begin implements pgx.Tx.
func (g guarded) Begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := g.Tx.Begin(ctx)
	return guarded{tx, g.schema}, err
}

// named returns a statement with the main schema's own name.
func (g guarded) named(sql string) string {
	return mainSchema.ReplaceAllStringFunc(sql, func(match string) string {
		switch {
		case match == "public." && g.schema == "":
			return ""
		case match == "public.":
			return pg.Quoted(g.schema) + "."
		case match == "current_schema()" && g.schema != "":
			return literal(g.schema)
		}
		return match
	})
}

// mainSchema matches the tokens that stand for the main schema. Before them it matches what may have them as mere text,
// which is left as it is: literals, quoted names and comments.
var mainSchema = regexp.MustCompile(`'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\bpublic\.|\bcurrent_schema\(\)`)

// inPublic is a table of the main schema, as statements name it.
func inPublic(table string) string { return "public." + pg.Quoted(table) }

// errNoSchema is returned for a session that finds no table.
var errNoSchema = errors.New("the search_path of the session names no schema that is there: " +
	"correct or leave out search_path in DATABASE_URL and in PGOPTIONS")

// guard sets up a transaction that has asked for nothing yet, and finds the main schema of its session.
func guard(ctx context.Context, tx pgx.Tx) (guarded, error) {
	g := guarded{Tx: tx}
	var schema *string
	if err := tx.QueryRow(ctx, `SELECT pg_catalog.current_schema()`).Scan(&schema); err != nil {
		return g, fmt.Errorf("find schema: %w", err)
	}
	if schema == nil {
		return g, errNoSchema
	}
	g.schema = *schema
	if _, err := tx.Exec(ctx, guardedPath+reportSettings); err != nil {
		return g, fmt.Errorf("set up report: %w", err)
	}
	return g, nil
}

// ErrTakenOver says that a table cannot be read without running code of others.
var ErrTakenOver = errors.New("no table is read while reading runs code that no migration made")

// takenWhy is the reason that a report gives for each invariant that it did not check then.
const takenWhy = "reading the tables would run code that no migration made (I41 names it): no other statement was sent"

// Read runs fn in a transaction that only reads, as a report reads: the statements of fn name the schema of every
// table, and call the main one "public". Error: ErrTakenOver.
func (s *Verifier) Read(ctx context.Context, fn func(pgx.Tx) error) error {
	return s.lookFirst(ctx, func(tx guarded) error { return fn(tx) })
}

// lookFirst runs fn as read does. It returns ErrTakenOver if reading a table would run code of others.
func (s *Verifier) lookFirst(ctx context.Context, fn func(guarded) error) error {
	return s.read(ctx, func(tx guarded) error {
		_, taken, err := tx.look(ctx)
		if err == nil && len(taken) > 0 {
			err = fmt.Errorf("%w: %s", ErrTakenOver, strings.Join(taken, "; "))
		}
		if err != nil {
			return err
		}
		return fn(tx)
	})
}

// read runs fn in a guarded transaction that only reads.
func (s *Verifier) read(ctx context.Context, fn func(guarded) error) error {
	return pgx.BeginTxFunc(ctx, s.c.Pool, reading, func(tx pgx.Tx) error {
		g, err := guard(ctx, tx)
		if err != nil {
			return err
		}
		return fn(g)
	})
}

// reading holds what reports read with: one snapshot.
var reading = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// look reads the catalog, and says what in it runs code of others when a table is read. What cannot be read may hide
// it.
func (g guarded) look(ctx context.Context) (now catalog.Catalog, taken []string, err error) {
	savepoint, err := g.Begin(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read catalog: %w", err)
	}
	looking := guarded{savepoint, g.schema}
	if taken, err = catalog.ReadStrangers(ctx, looking); err == nil && len(taken) > 0 {
		return catalog.Catalog{}, taken, savepoint.Commit(ctx)
	}
	if err == nil {
		now, err = catalog.Read(ctx, looking, g.schema)
	}
	if err == nil {
		return now, now.TakenOver(), savepoint.Commit(ctx)
	}
	if ctx.Err() != nil || pg.Unavailable(err) || g.Conn().IsClosed() {
		return nil, nil, err
	}
	taken = []string{fmt.Sprintf("PostgreSQL's catalog cannot be read: %v", err)}
	return catalog.Catalog{}, taken, savepoint.Rollback(ctx)
}

// readSchema reads the catalog, and which migrations were applied, if reading that runs no code of others.
func (v *verification) readSchema(ctx context.Context, tx guarded) (err error) {
	if v.catalog, v.taken, err = tx.look(ctx); err != nil {
		return err
	}
	v.blind = len(v.catalog) == 0 || slices.ContainsFunc(v.taken, func(what string) bool {
		return strings.HasPrefix(what, "goose_db_version ") || strings.HasPrefix(what, "river.river_migration ")
	})
	if v.blind {
		return nil
	}
	return v.catalog.ReadApplied(ctx, tx)
}
