package bestow

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	testFunc    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	testInDocs  = regexp.MustCompile("`((?:Test|Fuzz)[A-Z0-9]\\w*)`")
	runsInDocs  = regexp.MustCompile(`go test (?:-\w+(?: \w+)? )*\./([\w/]+) -run ([\w^$|]+)`)
	pagesOfDocs = []string{"README.md", "CONTRIBUTING.md", "docs/*.md"}
)

// The docs name tests as proofs: each stands in the package that its command names, and none is gone.
func TestDocsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	tests := testsByFolder(t)
	all := strings.Builder{}
	for _, names := range tests {
		all.WriteString(strings.Join(names, "\n") + "\n")
	}
	for _, pattern := range pagesOfDocs {
		pages, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, page := range pages {
			text, err := os.ReadFile(page)
			require.NoError(t, err)
			for _, name := range testInDocs.FindAllStringSubmatch(string(text), -1) {
				if !strings.Contains(all.String(), name[1]+"\n") {
					t.Errorf("%s names %s, which is gone", page, name[1])
				}
			}
			for _, run := range runsInDocs.FindAllStringSubmatch(string(text), -1) {
				if run[1] == "PACKAGE" {
					continue
				}
				if !regexp.MustCompile("(?m)" + run[2]).MatchString(strings.Join(tests[run[1]], "\n")) {
					t.Errorf("%s: %s runs no test", page, run[0])
				}
			}
		}
	}
}

// The front door for who works on the project is read to its end.
func TestContributingIsShort(t *testing.T) {
	t.Parallel()
	const most = 120
	text, err := os.ReadFile("CONTRIBUTING.md")
	require.NoError(t, err)
	require.LessOrEqual(t, strings.Count(string(text), "\n"), most)
}

// The page that a reader of a room opens first names all rooms inside it.
func TestRoomsAreNamed(t *testing.T) {
	t.Parallel()
	for _, house := range []string{"app", "http", "money"} {
		page, err := os.ReadFile(filepath.Join(house, "doc.go"))
		require.NoError(t, err)
		rooms, err := filepath.Glob(filepath.Join(house, "*", "*.go"))
		require.NoError(t, err)
		for _, file := range rooms {
			room := filepath.Base(filepath.Dir(file))
			require.Regexp(t, `\b`+room+`\b`, string(page), "%s/doc.go does not name it", house)
		}
	}
}

// testsByFolder lists the tests of the module by the folders in which they stand.
func testsByFolder(t *testing.T) map[string][]string {
	t.Helper()
	tests := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		dir := filepath.ToSlash(filepath.Dir(path))
		for _, name := range testFunc.FindAllStringSubmatch(string(text), -1) {
			tests[dir] = append(tests[dir], name[1])
		}
		return err
	})
	require.NoError(t, err)
	return tests
}
