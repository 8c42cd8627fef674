package verify

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"bestow/internal/pg"
)

// look reads the catalog, and says what in it runs code of others when a table is read. What cannot be read may hide
// it.
func (g guarded) look(ctx context.Context) (now catalog, taken []string, err error) {
	savepoint, err := g.Begin(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read catalog: %w", err)
	}
	now, err = readCatalog(ctx, guarded{savepoint, g.schema})
	if err == nil {
		return now, now.takenOver(parseCatalog(schemaText)), savepoint.Commit(ctx)
	}
	if ctx.Err() != nil || pg.Unavailable(err) || g.Conn().IsClosed() {
		return nil, nil, err
	}
	return catalog{}, []string{fmt.Sprintf("PostgreSQL's catalog cannot be read: %v", err)}, savepoint.Rollback(ctx)
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
	return v.catalog.readApplied(ctx, tx)
}

// takenOver names what of our tables is not as the migrations made it and runs code of others when the table is read,
// or when a statement on it is planned: a view in its place, a function in an index or a check, a type, a table that is
// a part of it.
func (c catalog) takenOver(golden catalog) (taken []string) {
	made := map[string]bool{}
	for _, lines := range golden {
		for _, line := range lines {
			made[line] = true
		}
	}
	for _, relation := range slices.Sorted(maps.Keys(c)) {
		ours := c.ours(relation, golden)
		for _, line := range c[relation] {
			parent, isPart := parentOf(line)
			switch {
			case ours && runsCode.MatchString(line) && !made[line]:
				taken = append(taken, relation+" "+line)
			case !ours && isPart && c.ours(parent, golden):
				taken = append(taken, relation+" is a "+line)
			}
		}
	}
	return taken
}

// runsCode matches what may run a function that a migration did not make.
var runsCode = regexp.MustCompile(`^(?:uses |no table$)`)

// ours reports whether a relation is one that the product's statements read: one of the migrations', or one of a
// type's.
func (c catalog) ours(relation string, golden catalog) bool {
	if _, made := golden[relation]; made {
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
