// Package catalog reads what PostgreSQL's catalog says of a database's schema, and compares it with what the migrations
// make.
package catalog

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// schemaText is the catalog of a database that the migrations have just made, as Catalog.Text writes it. A new
// migration changes it: BESTOW_TEST_GOLDEN=1 go test ./app/verify -run TestSchemaIsWhatMigrationsMake
//
//go:embed schema.txt
var schemaText []byte

//go:embed catalog.sql
var catalogSQL string

//go:embed strangers.sql
var strangersSQL string

// Catalog holds the properties of each relation and function, by its name.
type Catalog map[string][]string

// Read reads the properties as they are now, of a database whose main schema has the name. It asks PostgreSQL's own
// tables only.
func Read(ctx context.Context, tx pgx.Tx, schema string) (Catalog, error) {
	c := Catalog{}
	rows, err := tx.Query(ctx, catalogSQL, schema)
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	inLiteral := strings.ReplaceAll(pg.Quoted(schema), "'", "''")
	inMain := regexp.MustCompile(`(?:\b` + regexp.QuoteMeta(schema) + `|` + regexp.QuoteMeta(pg.Quoted(schema)) +
		`|` + regexp.QuoteMeta(inLiteral) + `)\.`)
	var relation, line string
	_, err = pgx.ForEachRow(rows, []any{&relation, &line}, func() error {
		c[relation] = append(c[relation], asWritten(inMain.ReplaceAllLiteralString(line, MainMark)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	return c, nil
}

// ReadStrangers names what was added to PostgreSQL itself and can act in every statement, that of the catalog too.
func ReadStrangers(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, strangersSQL)
	if err != nil {
		return nil, fmt.Errorf("read additions to PostgreSQL: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var what string
		err := row.Scan(&what)
		return "PostgreSQL has, and it is not its own: " + what, err
	})
	if err != nil {
		return nil, fmt.Errorf("read additions to PostgreSQL: %w", err)
	}
	return all, nil
}

// MainMark stands for the main schema, whose name differs, in front of its names. PostgreSQL's own names have nothing
// there.
const MainMark = "<main>."

// ReadApplied adds the migrations that were applied.
func (c Catalog) ReadApplied(ctx context.Context, tx pgx.Tx) error {
	const query = `SELECT 'goose_db_version', 'applied ' || version_id FROM public.goose_db_version WHERE is_applied
		UNION ALL SELECT 'river.river_migration', format('applied %s %s', line, version) FROM river.river_migration ORDER BY 1, 2`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	var relation, line string
	_, err = pgx.ForEachRow(rows, []any{&relation, &line}, func() error {
		c[relation] = append(c[relation], line)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return nil
}

// Text writes the catalog: each relation, its properties below it.
func (c Catalog) Text() string {
	var b strings.Builder
	for _, relation := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "%s\n", relation)
		slices.Sort(c[relation])
		for _, line := range c[relation] {
			fmt.Fprintf(&b, "\t%s\n", line)
		}
	}
	return b.String()
}

// Made returns the catalog of a database that the migrations have just made.
var Made = sync.OnceValue(func() Catalog { return parse(schemaText) })

func parse(text []byte) Catalog {
	c := Catalog{}
	relation := ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if line, property := strings.CutPrefix(lines.Text(), "\t"); property {
			c[relation] = append(c[relation], line)
		} else {
			relation = line
			c[relation] = nil
		}
	}
	return c
}

// as is a relation that stands for a kind, with its properties under another name.
func (c Catalog) as(like, name string, rename *strings.Replacer) (Catalog, bool) {
	lines, ok := c[like]
	if !ok {
		return nil, false
	}
	renamed := make([]string, len(lines))
	for i, line := range lines {
		renamed[i] = rename.Replace(line)
	}
	return Catalog{name: renamed}, true
}

// ownPartition is the name of an event's own partition.
var ownPartition = regexp.MustCompile(`^([a-z][a-z0-9_]{0,19})_targets_([0-9]{1,18})$`)

// Wanted returns what the catalog must be in a database with these types and with the partitions of c: what the
// migrations make, and the same again for each type and each partition that was made since.
func (c Catalog) Wanted(types []domain.EventType) Catalog {
	golden := Made()
	want := maps.Clone(golden)
	for part := range goldenParts {
		delete(want, part)
	}
	for _, y := range types {
		like := "point"
		if y.Operation == domain.Vouchers {
			like = "voucher"
		}
		name := strings.ToLower(y.Code)
		rename := strings.NewReplacer(like+"_targets", name+"_targets", like+"_results", name+"_results")
		for _, suffix := range []string{"_targets", "_targets_default", "_results"} {
			if made, ok := golden.as(like+suffix, name+suffix, rename); ok {
				maps.Copy(want, made)
			}
		}
	}
	for relation := range c {
		m := ownPartition.FindStringSubmatch(relation)
		if m == nil {
			continue
		}
		rename := strings.NewReplacer("point_targets_"+GoldenEvent, m[1]+"_targets_"+m[2], "point_targets",
			m[1]+"_targets",
			"'"+GoldenEvent+"'", "'"+m[2]+"'", GoldenEvent, m[2])
		if made, ok := golden.as("point_targets_"+GoldenEvent, relation, rename); ok {
			maps.Copy(want, made)
		}
	}
	return want
}

// GoldenEvent is the event whose own partition stands in the golden file for all such.
const GoldenEvent = "987654321"

// goldenParts are the relations of the golden file that stand for a kind, and need not be there.
var goldenParts = map[string]bool{"point_targets_" + GoldenEvent: true}

// TakenOver names what of our tables is not as the migrations made it and runs code of others when the table is read,
// or when a statement on it is planned: a view in its place, a function in an index or a check, a type, a table that is
// a part of it.
func (c Catalog) TakenOver() (taken []string) {
	golden := Made()
	made := map[string]bool{}
	for _, lines := range golden {
		for _, line := range lines {
			made[line] = true
		}
	}
	for _, relation := range slices.Sorted(maps.Keys(c)) {
		ours := c.Ours(relation)
		for _, line := range c[relation] {
			parent, isPart := ParentOf(line)
			switch {
			case ours && runsCode.MatchString(line) && !made[line]:
				taken = append(taken, relation+" "+line)
			case !ours && isPart && c.Ours(parent):
				taken = append(taken, relation+" is a "+line)
			}
		}
	}
	return taken
}

// runsCode matches what may run a function that a migration did not make.
var runsCode = regexp.MustCompile(`^(?:uses |no table$)`)

// Ours reports whether a relation is one that the product's statements read: one of the migrations', or one of a
// type's.
func (c Catalog) Ours(relation string) bool {
	if _, made := Made()[relation]; made {
		return true
	}
	m := typeTable.FindStringSubmatch(relation)
	if m == nil {
		return false
	}
	_, results := c[m[1]+"_results"]
	return results && slices.Contains(c[m[1]+"_targets"], "partitioned table")
}

// typeTable is the name of a table of a type.
var typeTable = regexp.MustCompile(`^([a-z][a-z0-9_]{0,19})_(?:targets|targets_default|targets_[0-9]{1,18}|results)$`)

// ParentOf returns the table of which a line says that its own table is a part.
func ParentOf(line string) (parent string, isPart bool) {
	parent, isPart = strings.CutPrefix(line, "partition of ")
	parent, _, _ = strings.Cut(strings.TrimPrefix(parent, MainMark), " ")
	return parent, isPart
}

// Missing returns what of a is not in b.
func Missing(a, b []string) (lines []string) {
	for _, line := range a {
		if !slices.Contains(b, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// Newer lists the migrations that the database has and this program does not know.
func (c Catalog) Newer() (applied []string) {
	made := Made()
	for _, relation := range []string{"goose_db_version", "river.river_migration"} {
		for _, line := range Missing(c[relation], made[relation]) {
			if strings.HasPrefix(line, "applied ") {
				applied = append(applied, relation+" "+line)
			}
		}
	}
	return applied
}
