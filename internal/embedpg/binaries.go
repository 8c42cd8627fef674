package embedpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oldest is the first major version that bestow supports.
const oldest = 15

// binaries is a folder with a postgres and an initdb that postgres' account can run.
type binaries struct {
	dir     string
	version string // 15.18
}

func (b binaries) postgres() string { return filepath.Join(b.dir, "postgres") }

func (b binaries) initdb() string { return filepath.Join(b.dir, "initdb") }

func (b binaries) major() string {
	major, _, _ := strings.Cut(b.version, ".")
	return major
}

// findBinaries returns the first usable PostgreSQL of the machine, or else the fetched one. A cluster that exists needs
// the major version that made it.
func findBinaries(ctx context.Context, d *folder, o Options) (binaries, error) {
	want, err := d.major()
	if err != nil {
		return binaries{}, err
	}
	var reasons []error
	if !o.Fetch {
		b, err := local(ctx, d.account, want)
		if err == nil {
			return b, nil
		}
		reasons = append(reasons, err)
	}
	if want == "" || want == fetchedMajor {
		b, err := fetched(ctx, d.account, o)
		if err == nil {
			return b, nil
		}
		reasons = append(reasons, err)
	}
	if want != "" {
		return binaries{}, fmt.Errorf("%w: PostgreSQL %s made %s: install it, or remove %s to begin anew: %w",
			ErrNoBinaries, want, d.data(), d.path, errors.Join(reasons...))
	}
	return binaries{}, fmt.Errorf("%w: install PostgreSQL, or set DATABASE_URL to one: %w", ErrNoBinaries,
		errors.Join(reasons...))
}

// local returns the first usable PostgreSQL of the machine, of the major version want unless that is "".
func local(ctx context.Context, a account, want string) (binaries, error) {
	reasons := []error{errors.New("looked in PATH, /usr/lib/postgresql and Homebrew's folders")}
	for path := range localDirs() {
		b, err := probe(ctx, a, path)
		if err == nil && want != "" && b.major() != want {
			err = fmt.Errorf("use %s: it has version %s, wanted is %s", path, b.version, want)
		}
		if err == nil {
			return b, nil
		}
		reasons = append(reasons, err)
	}
	return binaries{}, errors.Join(reasons...)
}

// localDirs returns the folders where a PostgreSQL may be installed: PATH's first, then the usual ones, newest first.
func localDirs() iter.Seq[string] {
	return func(yield func(string) bool) {
		if path, err := exec.LookPath("postgres"); err == nil {
			if path, err = filepath.EvalSymlinks(path); err == nil && !yield(filepath.Dir(path)) {
				return
			}
		}
		for _, path := range installed() {
			if !yield(path) {
				return
			}
		}
	}
}

func installed() []string {
	var all []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",                           // Debian, Ubuntu
		"/usr/pgsql-*/bin",                                    // Red Hat
		"/usr/libexec/postgresql*",                            // Alpine
		"/opt/homebrew/opt/postgresql@*/bin",                  // Homebrew, Apple silicon
		"/usr/local/opt/postgresql@*/bin",                     // Homebrew, Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",     // Homebrew, Linux
		"/Applications/Postgres.app/Contents/Versions/*/bin/", // Postgres.app
	} {
		found, _ := filepath.Glob(pattern) // the only error is a bad pattern
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(majorIn(b), majorIn(a)) })
	return all
}

var digits = regexp.MustCompile(`\d+`)

// majorIn returns the version in a folder's name, 0 if none.
func majorIn(path string) int {
	n, _ := strconv.Atoi(digits.FindString(strings.TrimPrefix(path, "/usr/libexec")))
	return n
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[.\w]*)`)

// probe runs the binaries of a folder, so that what it returns can be run by postgres' account.
func probe(ctx context.Context, a account, path string) (binaries, error) {
	b := binaries{dir: path}
	for _, file := range []string{b.initdb(), b.postgres()} {
		out, err := runAs(ctx, a, "/", 10*time.Second, file, "--version")
		if err != nil {
			return binaries{}, err
		}
		m := versionLine.FindStringSubmatch(out)
		if m == nil {
			return binaries{}, fmt.Errorf("read version of %s: it says %q", file, out)
		}
		if major, _ := strconv.Atoi(m[2]); major < oldest {
			return binaries{}, fmt.Errorf("use %s: version %s is older than %d", file, m[1], oldest)
		}
		if b.version != "" && b.version != m[1] {
			return binaries{}, fmt.Errorf("use %s: its initdb has version %s and its postgres %s", path,
				b.version, m[1])
		}
		b.version = m[1]
	}
	return b, nil
}

// runAs runs a short program as postgres' account, in a folder that account can enter, and returns what it printed.
func runAs(ctx context.Context, a account, dir string, limit time.Duration, file string,
	args ...string,
) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, file, args...) //nolint:gosec // what findBinaries chose, and no shell
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, environment(), patience
	cmd.SysProcAttr = a.attr(false)
	out, err := onThread(cmd.CombinedOutput)
	if err != nil {
		return "", fmt.Errorf("run %s: %w: %s", filepath.Base(file), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// environment returns the environment of postgres. It has no PG* variable and no secret of ours. TZ is set so that
// initdb need not guess it.
func environment() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
