package verify

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// schemaText is the catalog of a database that the migrations have just made, as catalog.Text writes it. A new
// migration changes it: BESTOW_TEST_GOLDEN=1 go test ./app/verify -run TestSchemaIsWhatMigrationsMake
//
//go:embed schema.txt
var schemaText []byte

// catalog is the properties of each relation and function, by its name.
type catalog map[string][]string

// readCatalog reads the properties as they are now. It asks PostgreSQL's own tables only.
func readCatalog(ctx context.Context, tx guarded) (catalog, error) {
	query, err := sqlFiles.ReadFile("sql/catalog.sql")
	if err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	c := catalog{}
	rows, err := tx.Query(ctx, string(query), tx.schema)
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	inLiteral := strings.ReplaceAll(pg.Quoted(tx.schema), "'", "''")
	inMain := regexp.MustCompile(`(?:\b` + regexp.QuoteMeta(tx.schema) + `|` + regexp.QuoteMeta(pg.Quoted(tx.schema)) +
		`|` + regexp.QuoteMeta(inLiteral) + `)\.`)
	var relation, line string
	_, err = pgx.ForEachRow(rows, []any{&relation, &line}, func() error {
		c[relation] = append(c[relation], asWritten(inMain.ReplaceAllLiteralString(line, mainMark)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	return c, nil
}

// mainMark stands for the main schema, whose name differs, in front of its names. PostgreSQL's own names have nothing
// there.
const mainMark = "<main>."

// listOfTexts matches IN ('a', 'b') on a varchar, as PostgreSQL prints it of a table that a migration made.
var (
	listOfTexts = regexp.MustCompile(`\(ARRAY\[((?:'(?:[^']|'')*'::character varying(?:, )?)+)\]\)::text\[\]`)
	textOfList  = regexp.MustCompile(`'(?:[^']|'')*'::character varying`)
)

// asWritten returns a line as PostgreSQL prints it once the table has been through pg_dump and pg_restore.
func asWritten(line string) string {
	return flatChains(listOfTexts.ReplaceAllStringFunc(line, func(list string) string {
		texts := textOfList.FindAllString(list, -1)
		return "ARRAY[(" + strings.Join(texts, ")::text, (") + ")::text]"
	}))
}

// flatChains writes ((a AND b) AND c) as (a AND b AND c), and the same of OR. What stands in quotes stays.
func flatChains(line string) string {
	c := chains{line: line, drop: map[int]bool{}}
	quote := byte(0)
	for i := range len(line) {
		switch b := line[i]; {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '\'' || b == '"':
			quote = b
		default:
			c.read(i, b)
		}
	}
	flat := make([]byte, 0, len(line))
	for i := range len(line) {
		if !c.drop[i] {
			flat = append(flat, line[i])
		}
	}
	return string(flat)
}

// chains finds the brackets of a line that a chain of AND or OR does not need.
type chains struct {
	line string
	open []bracket
	drop map[int]bool
}

// bracket is an open one, and what joins the operands in it: AND or OR, "" for neither, "?" for both.
type bracket struct {
	at int
	op string
}

func (c *chains) read(i int, b byte) {
	last := len(c.open) - 1
	switch {
	case b == '(':
		c.open = append(c.open, bracket{at: i})
	case last < 0:
	case b == ')':
		c.end(c.open[last], i)
		c.open = c.open[:last]
	case b == ' ':
		c.open[last].join(chainOp.FindString(c.line[i:]))
	}
}

// end drops the brackets of the first operand of a longer chain.
func (c *chains) end(g bracket, at int) {
	if g.op != "" && g.at > 0 && c.line[g.at-1] == '(' && strings.HasPrefix(c.line[at+1:], g.op) {
		c.drop[g.at], c.drop[at] = true, true
	}
}

func (g *bracket) join(op string) {
	switch {
	case op == "" || op == g.op:
	case g.op == "":
		g.op = op
	default:
		g.op = "?"
	}
}

var chainOp = regexp.MustCompile(`^ (?:AND|OR) `)

// readApplied adds the migrations that were applied.
func (c catalog) readApplied(ctx context.Context, tx pgx.Tx) error {
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
func (c catalog) Text() string {
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

func parseCatalog(text []byte) catalog {
	c := catalog{}
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
func (c catalog) as(like, name string, rename *strings.Replacer) (catalog, bool) {
	lines, ok := c[like]
	if !ok {
		return nil, false
	}
	renamed := make([]string, len(lines))
	for i, line := range lines {
		renamed[i] = rename.Replace(line)
	}
	return catalog{name: renamed}, true
}

// ownPartition is the name of an event's own partition.
var ownPartition = regexp.MustCompile(`^([a-z][a-z0-9_]{0,19})_targets_([0-9]{1,18})$`)

// wanted returns what the catalog must be in a database with these types and partitions: what the migrations make, and
// the same again for each type and each partition that was made since.
func wanted(golden, now catalog, types presentTypes) catalog {
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
	for relation := range now {
		m := ownPartition.FindStringSubmatch(relation)
		if m == nil {
			continue
		}
		rename := strings.NewReplacer("point_targets_"+goldenEvent, m[1]+"_targets_"+m[2], "point_targets",
			m[1]+"_targets",
			"'"+goldenEvent+"'", "'"+m[2]+"'", goldenEvent, m[2])
		if made, ok := golden.as("point_targets_"+goldenEvent, relation, rename); ok {
			maps.Copy(want, made)
		}
	}
	return want
}

// goldenEvent is the event whose own partition stands in the golden file for all such.
const goldenEvent = "987654321"

// goldenParts are the relations of the golden file that stand for a kind, and need not be there.
var goldenParts = map[string]bool{"point_targets_" + goldenEvent: true}

// neverTheirs matches what operators have no use for, and what makes statements of ours mean something else.
var neverTheirs = regexp.MustCompile(`^(setting|operator|function|schema) `)

// compareSchema compares the catalog with what the migrations make (I41). A property that is not there, or that no
// migration made, is a difference. Where there is none, the rows of all events are compared with the constraints. A
// table, a function with a name of its own, or an index of columns that is not
// unique may be the operators' own.
func compareSchema(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	now, golden := v.catalog, parseCatalog(schemaText)
	if v.blind {
		for _, what := range v.taken {
			f.differ("%s", what)
		}
		now, golden = nil, nil
	}
	want := wanted(golden, now, v.tables)
	compareAdded(now, want, f)
	lines := 0
	if len(newer(golden, now)) == 0 { // schemaGaps names migrations of a newer version
		lines = v.compareMade(now, want, f)
	}
	if f.differences == 0 && !v.blind && v.event == nil {
		if err := compareRows(ctx, tx, v, golden, f); err != nil {
			return err
		}
	}
	return errors.Join(f.measures.add("relations", int64(len(want))), f.measures.add("lines", int64(lines)))
}

// compareMade compares each relation with what the migrations make of it, and returns how many lines it compared.
func (v *verification) compareMade(now, want catalog, f *finding) (lines int) {
	for _, relation := range slices.Sorted(maps.Keys(want)) {
		if strings.HasPrefix(relation, "money.") && v.foreign != "" {
			continue // schemaGaps says so
		}
		lines += len(want[relation])
		if _, ok := now[relation]; !ok {
			f.differ("%s is not there", relation)
			continue
		}
		for _, line := range missing(want[relation], now[relation]) {
			f.differ("%s lacks: %s", relation, line)
		}
		for _, line := range missing(now[relation], want[relation]) {
			if !strings.HasPrefix(line, "index ") {
				f.differ("%s has, and no migration made it: %s", relation, line)
			}
		}
	}
	return lines
}

// compareAdded finds what no migration made and what changes the meaning of our statements or the contents of our
// tables.
func compareAdded(now, want catalog, f *finding) {
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
func inherits(line string, want catalog) bool {
	parent, isPart := parentOf(line)
	_, ours := want[parent]
	return isPart && ours
}

// parentOf returns the table of which a line says that its own table is a part.
func parentOf(line string) (parent string, isPart bool) {
	parent, isPart = strings.CutPrefix(line, "partition of ")
	parent, _, _ = strings.Cut(strings.TrimPrefix(parent, mainMark), " ")
	return parent, isPart
}

// missing returns what of a is not in b.
func missing(a, b []string) (lines []string) {
	for _, line := range a {
		if !slices.Contains(b, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// newer lists the migrations that the database has and this program does not know.
func newer(golden, now catalog) (applied []string) {
	for _, relation := range []string{"goose_db_version", "river.river_migration"} {
		for _, line := range missing(now[relation], golden[relation]) {
			if strings.HasPrefix(line, "applied ") {
				applied = append(applied, relation+" "+line)
			}
		}
	}
	return applied
}

// schemaGaps returns what of the schema this program cannot judge.
func schemaGaps(_ context.Context, _ pgx.Tx, v *verification) (gaps []Gap, err error) {
	if applied := newer(parseCatalog(schemaText), v.catalog); len(applied) > 0 {
		gaps = append(gaps,
			Gap{Why: "the database has migrations that this program does not know (" + strings.Join(applied, ", ") +
				"): verify with the newer version", Events: int64(v.events)})
	}
	if v.foreign != "" {
		gaps = append(gaps, Gap{Why: "the tables of the ledger: " + v.foreign, Events: int64(v.events)})
	}
	return gaps, nil
}
