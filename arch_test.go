// The module's root holds no code of its own, only the test of who may import whom.
package bestow

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mayImport is the house: a folder may import the folders named here, its own subfolders, and the leaves.
var mayImport = map[string][]string{
	"domain":     {},
	"money":      {},
	"migrations": {},
	"outbox":     {"domain"},
	"app":        {"domain", "outbox"},
	"jobs":       {"domain", "outbox", "app", "money", "migrations"},
	"http":       {"domain", "app"},
	"cmd":        {"domain", "outbox", "app", "jobs", "http", "money", "migrations", "internal"},
	// What serves demo, bench and tests may stand on anything but cmd (see wiring).
	"internal": {"domain", "outbox", "app", "jobs", "http", "money", "migrations", "internal"},
}

// wiring names the rooms of cmd that a folder outside of it may import, since it starts the product.
var wiring = map[string][]string{
	"internal/harness/bench/rig": {"cmd/bestow/daemon", "cmd/bestow/settings"},
}

// rooms are folders inside of one that may import less: of ours, exactly the packages named here.
var rooms = map[string][]string{
	// An auditor shares the rules of the domain with what he audits, and nothing else.
	"app/verify": {
		"app/verify/catalog", "domain", "domain/content", "internal/keys", "internal/english", "internal/pg",
		"internal/failpoint", "internal/seal",
	},
	"app/verify/catalog": {"domain", "internal/pg"},
	"internal/keys":      {"internal/seal"},
	"app/memberlist":     {"domain", "internal/english"},
	"app/sheet":          {"app/memberlist", "domain", "internal/english"},
	"http/api":           {"domain"},
	"http/client":        {"http/api", "domain"},
	// Sentences and numbers know no page.
	"http/console/words":  {},
	"http/console/assets": {},
	// What all handlers stand on knows no room of theirs.
	"http/web": {"domain", "app/command", "app/imports", "app/patch", "app/reports", "http/api", "internal/obs", "internal/pg"},
	// A client of a ledger is no part of a ledger: it stands on the words alone.
	"money/moneyclient":    {"money", "money/moneyhttp/wire"},
	"money/moneyhttp/wire": {"money"},
	// The words of a ledger, the parts of one, and what puts them together: no part knows what it is part of.
	"money":          {"internal/english"},
	"money/breaker":  {"money", "money/moneyclient", "internal/obs", "internal/seal"},
	"money/frame":    {"money", "internal/failpoint", "internal/pg"},
	"money/vouchers": {"money", "money/frame", "internal/failpoint", "internal/pg", "internal/seal"},
	"money/policies": {"money", "money/frame", "internal/english", "internal/pg"},
	"money/points":   {"money", "money/frame", "internal/english", "internal/failpoint", "internal/pg"},
	"money/grants": {
		"money", "money/frame", "money/policies", "money/vouchers", "internal/failpoint", "internal/obs",
		"internal/pg",
	},
	"money/moneydb": {"money", "money/grants", "money/points", "money/policies", "money/vouchers", "internal/seal"},
	"money/moneyhttp": {
		"money", "money/moneydb", "money/moneyhttp/wire", "internal/obs", "internal/pg", "internal/seal",
	},
}

// leaves import nothing of ours but spelling, so everybody but domain may import them.
var leaves = []string{
	spelling, "internal/english", "internal/pg", "internal/failpoint", "internal/seal",
	"internal/obs", "internal/keys", "internal/pgcopy", "internal/allowance", "internal/places",
}

// apart are the rooms of app that do not know each other. Only app/app.go knows them, which wires them, and app/pins, which
// keeps the keys of PINs for two of them.
var apart = []string{
	"app/imports", "app/grants", "app/reports", "app/lists", "app/parked", "app/verify", "app/access",
	"app/audit", "app/gauges", "app/types", "app/people", "app/oidc", "app/uploads", "app/checks", "app/ledger",
}

// shared are the rooms of http that its other rooms know. Those do not know each other: only http knows them, which has
// all routes on one page and wires the handlers.
var shared = []string{"http/api", "http/web", "http/web/rejects"}

// around is what the rooms of the console know. They do not know each other: only http/console knows them.
var around = []string{"http/console/page", "http/console/words", "http/console/assets"}

// handlers are the rooms of http that hold nothing but handlers, with the rooms in them.
var handlers = []string{"http/events", "http/lists", "http/inspect", "http/access", "http/types", "http/people", "http/ledger", "http/console"}

// spelling holds what a name that does not exist may have meant.
const spelling = "internal/spelling"

// onlyIn names packages of others that one folder alone knows: it is where a library may be replaced.
var onlyIn = map[string][]string{
	"github.com/ThreeDotsLabs/watermill-kafka": {"outbox", "internal/harness/bench"},
	"github.com/ThreeDotsLabs/watermill-sql":   {"internal/harness/bench"},
	"github.com/IBM/sarama":                    {"outbox", "internal/kafkatest", "internal/embedkafka", "internal/harness/realkafka", "internal/harness/chaos", "internal/harness/bench"},
	"github.com/twmb/franz-go":                 {"outbox", "internal/kafkatest", "internal/embedkafka"},
	"github.com/labstack/echo":                 {"http"},
	"github.com/sony/gobreaker":                {"money/breaker"},
	"github.com/xuri/excelize":                 {"app/sheet"},
	"github.com/coreos/go-oidc":                {"app/oidc"},
	"golang.org/x/oauth2":                      {"app/oidc"},
	"github.com/tus/tusd":                      {"http/lists"},
	"github.com/pquerna/otp":                   {"app/people", "internal/apitest"},
	"golang.org/x/crypto":                      {"app/people"},
	"github.com/alecthomas/kong":               {"cmd"},
	"github.com/a-h/templ":                     {"http/console"},
	"github.com/chromedp":                      {"internal/chrometest"},
}

// The rule of who may import whom is parsed from the sources, so a cached result cannot hide a new import.
func TestWhoMayImportWhom(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if why := broken(filepath.ToSlash(path), imported); why != "" {
				t.Errorf("%s imports %s: %s", path, imported, why)
			}
		}
		return nil
	})
	require.NoError(t, err)
}

// Each rule is seen red once: a test that cannot fail proves nothing.
func TestEachRuleCanBreak(t *testing.T) {
	t.Parallel()
	for path, imported := range map[string]string{
		"domain/event.go":              "github.com/jackc/pgx/v5",
		"domain/chunk.go":              "bestow/internal/pg",
		"outbox/relay.go":              "bestow/app",
		"app/grants.go":                "bestow/jobs",
		"app/events.go":                "bestow/money",
		"app/memberlist/csv.go":        "bestow/internal/pg",
		"app/memberlist/look.go":       "bestow/app",
		"app/memberlist/text.go":       "github.com/jackc/pgx/v5",
		"app/verify/run.go":            "bestow/app/eventrow",
		"app/verify/roots.go":          "bestow/outbox",
		"app/verify/catalog/x.go":      "bestow/app/verify",
		"app/reports/waiting.go":       "bestow/app/imports",
		"app/lists/trace.go":           "bestow/app/reports",
		"app/grants/grants.go":         "bestow/app/reports",
		"app/uploads/uploads.go":       "bestow/app/imports",
		"app/checks/checks.go":         "bestow/app/imports",
		"app/uploads/stored.go":        "github.com/tus/tusd/v2/pkg/handler",
		"app/imports/import.go":        "bestow/app",
		"app/lifecycle.go":             "bestow/app/grants",
		"internal/keys/keys.go":        "bestow/internal/pg",
		"http/client/client.go":        "bestow/app",
		"http/api/event.go":            "bestow/app",
		"http/web/problem.go":          "bestow/http/auth",
		"http/web/stream.go":           "bestow/app",
		"http/web/api.go":              "bestow/http",
		"http/auth/auth.go":            "bestow/http",
		"http/auth/guess.go":           "bestow/http/client",
		"http/events/events.go":        "bestow/http/inspect",
		"http/events/moves.go":         "bestow/jobs",
		"http/lists/import.go":         "bestow/http/events",
		"http/lists/tus.go":            "bestow/outbox",
		"http/inspect/progress.go":     "bestow/http/lists",
		"http/inspect/queue.go":        "bestow/http",
		"http/events/brake.go":         "github.com/labstack/echo/v4",
		"http/console/page/view.go":    "bestow/http/events",
		"http/console/words/number.go": "bestow/domain",
		"http/console/entry/link.go":   "bestow/http/console/campaigns",
		"http/console/page/base.go":    "github.com/labstack/echo/v4",
		"http/lists/rejected.go":       "github.com/danielgtaylor/huma/v2/adapters/humaecho",
		"jobs/client.go":               "bestow/http",
		"http/routes.go":               "bestow/outbox",
		"money/check.go":               "bestow/domain",
		"money/item.go":                "bestow/internal/pg",
		"money/moneydb/ledger.go":      "bestow/domain",
		"money/moneydb/moneydb.go":     "bestow/money/moneyhttp",
		"money/moneyhttp/points.go":    "bestow/money/points",
		"money/frame/locks.go":         "bestow/money/points",
		"money/points/use.go":          "bestow/money/grants",
		"money/vouchers/cancel.go":     "bestow/money/points",
		"money/policies/terms.go":      "bestow/money/moneydb",
		"money/grants/grant.go":        "bestow/money/points",
		"money/breaker/breaker.go":     "bestow/money/moneydb",
		"money/moneyclient/client.go":  "bestow/money/moneyhttp",
		"money/moneyclient/reply.go":   "bestow/internal/pg",
		"money/moneyhttp/wire/x.go":    "bestow/money/moneyhttp",
		"migrations/migrations.go":     "bestow/domain",
		"internal/pg/pg.go":            "bestow/domain",
		"internal/spelling/x.go":       "bestow/internal/pg",
		"internal/seal/key.go":         "bestow/internal/pg",
		"app/import.go":                "bestow/internal/pgtest",
		"app/progress.go":              "github.com/IBM/sarama",
		"jobs/timetable.go":            "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka",
		"cmd/bestow/demo.go":           "github.com/twmb/franz-go/pkg/kfake",
		"app/targets.go":               "github.com/labstack/echo/v4",
		"app/pins/unsealer.go":         "bestow/money",
		"http/server.go":               "github.com/alecthomas/kong",
		"cmd/bestow/granter.go":        "github.com/sony/gobreaker/v2",
		"cmd/bestow/main.go":           "github.com/jackc/pgx/v5",
		"internal/embedpg/embedpg.go":  "bestow/cmd/bestow",
		"internal/kafkatest/broker.go": "bestow/cmd/bestow",

		"internal/harness/bench/run.go":     "bestow/cmd/bestow/daemon",
		"internal/harness/bench/rig/rig.go": "bestow/cmd/bestow/upkeep",
	} {
		require.NotEmpty(t, broken(path, imported), "%s may import %s", path, imported)
	}
}

// broken says which rule path breaks by importing imported, "" for none.
func broken(path, imported string) string {
	dir := filepath.ToSlash(filepath.Dir(path))
	top, _, _ := strings.Cut(dir, "/")
	to, ours := strings.CutPrefix(imported, "bestow/")
	if !ours {
		return brokenOutside(dir, top, imported)
	}
	toTop, _, _ := strings.Cut(to, "/")
	may, isRoom := rooms[dir]
	switch {
	case isRoom && !slices.Contains(may, to):
		return dir + " may know only " + strings.Join(may, " and ")
	case isRoom:
		return ""
	case top == "app" && slices.Contains(apart, to) && path != "app/app.go" && dir != "app/pins":
		return to + " is known to app/app.go alone"
	case strings.HasPrefix(dir, "app/") && to == "app":
		return "a room of app does not know app"
	case strings.HasPrefix(to, dir+"/"): // its own subfolder
		return ""
	case strings.HasPrefix(dir, "http/console/") && slices.Contains(around, to):
		return ""
	case strings.HasPrefix(dir, "http/") && toTop == "http" && !slices.Contains(shared, to):
		return "a room of http knows only " + strings.Join(shared, " and ") + " of http"
	case slices.Contains(leaves, dir) && to != spelling:
		return "a leaf imports nothing of ours"
	case slices.Contains(leaves, to) && top != "domain":
		return ""
	case toTop == top && top != "internal":
		return ""
	case slices.Contains(wiring[dir], to):
		return ""
	case !slices.Contains(mayImport[top], toTop):
		return top + " may not know " + toTop
	}
	return ""
}

// A room is seen as a whole: at most so many files beside tests, and fewer than so many lines a file. What proves and measures may
// have more files.
func TestRoomsAreSmall(t *testing.T) {
	t.Parallel()
	const mostFiles, mostLines = 16, 400
	files := map[string]int{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(source, []byte("// Code generated by templ")) { // its source is the .templ file beside it
			return nil
		}
		require.Less(t, bytes.Count(source, []byte("\n")), mostLines, path)
		if !strings.HasSuffix(path, "_test.go") {
			files[filepath.ToSlash(filepath.Dir(path))]++
		}
		return nil
	})
	require.NoError(t, err)
	for dir, n := range files {
		if !strings.HasPrefix(dir, "internal/harness/") {
			require.LessOrEqual(t, n, mostFiles, dir)
		}
	}
}

// A code of an error has one constructor, so no literal of the type stands outside of the domain.
func TestErrorsHaveOneConstructor(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"http/web/x.go:3"}, errorLiterals(t, "http/web/x.go",
		"package web\nimport rules \"bestow/domain\"\nvar err error = &rules.Error{Code: rules.Invalid}"))
	require.Empty(t, errorLiterals(t, "domain/content/x.go",
		"package content\nimport \"bestow/domain\"\nvar err error = domain.InvalidError(\"\", \"\", domain.Field{})"))
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, at := range errorLiterals(t, filepath.ToSlash(path), nil) {
			t.Errorf("%s makes a domain.Error by hand: call its constructor in domain/refuse.go", at)
		}
		return nil
	})
	require.NoError(t, err)
}

// errorLiterals returns where the file has a composite literal of domain.Error. source is nil for a file on disk.
func errorLiterals(t *testing.T, path string, source any) (found []string) {
	t.Helper()
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, path, source, 0)
	require.NoError(t, err)
	name := ""
	for _, spec := range f.Imports {
		if spec.Path.Value == `"bestow/domain"` {
			name = "domain"
			if spec.Name != nil {
				name = spec.Name.Name
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok || name == "" {
			return true
		}
		if of, ok := literal.Type.(*ast.SelectorExpr); ok && of.Sel.Name == "Error" {
			if from, ok := of.X.(*ast.Ident); ok && from.Name == name {
				found = append(found, fmt.Sprintf("%s:%d", path, files.Position(literal.Pos()).Line))
			}
		}
		return true
	})
	return found
}

func brokenOutside(dir, top, imported string) string {
	if top == "domain" && strings.Contains(imported, ".") {
		return "domain stands on the standard library alone"
	}
	if dir == "app/memberlist" && strings.HasPrefix(imported, "github.com/jackc/") {
		return "a member list is read without a database"
	}
	if dir == "cmd/bestow" && strings.HasPrefix(imported, "github.com/jackc/") && imported != "github.com/jackc/pgx/v5/pgxpool" {
		return "package main has no SQL"
	}
	inRoom := func(room string) bool { return dir == room || strings.HasPrefix(dir, room+"/") }
	if slices.ContainsFunc(handlers, inRoom) && strings.Contains(imported, "echo") { // labstack/echo, huma/v2/adapters/humaecho
		return "a handler does not know the router"
	}
	for library, homes := range onlyIn {
		known := slices.ContainsFunc(homes,
			func(home string) bool { return dir == home || strings.HasPrefix(dir, home+"/") })
		if strings.HasPrefix(imported, library) && !known {
			return "only " + strings.Join(homes, ", ") + " may know " + library
		}
	}
	return ""
}
