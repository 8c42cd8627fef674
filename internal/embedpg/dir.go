package embedpg

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"bestow/internal/embedpg/flock"
	"bestow/internal/ownfiles"
)

// folder is an instance's folder, locked.
type folder struct {
	path    string
	account account
	lock    *os.File
	once    sync.Once
}

// DefaultDir is the folder for bestow's own data: /var/lib/bestow as root, the user's data folder (XDG's; on macOS
// Application Support) else.
func DefaultDir() (string, error) {
	home, err := os.UserHomeDir()
	dir := defaultDir(os.Geteuid() == 0, runtime.GOOS, os.Getenv("XDG_DATA_HOME"), home)
	if dir == "" {
		return "", fmt.Errorf("find data folder: %w: set BESTOW_DATA_DIR", err)
	}
	return dir, nil
}

// defaultDir is "" if it needs a home and there is none.
func defaultDir(root bool, system, xdg, home string) string {
	switch {
	case root:
		return "/var/lib/bestow"
	case filepath.IsAbs(xdg): // the specification has a relative one ignored
		return filepath.Join(xdg, "bestow")
	case home == "":
		return ""
	case system == "darwin":
		return filepath.Join(home, "Library", "Application Support", "bestow")
	default:
		return filepath.Join(home, ".local", "share", "bestow")
	}
}

// Remove deletes an instance that runs no more, after it has stopped a postgres that outlived its starter, and its
// folder. A file in there that is not ours stays, and is an error. It returns ErrInUse if the instance runs.
func Remove(ctx context.Context, path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	d, err := openDir(ctx, path, 0)
	if err != nil {
		return err
	}
	defer d.close()
	if err := stopOrphans(ctx, d.data(), slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	for _, pattern := range []string{"data", "data.new-*", "password*", "postgres.log", "lock"} {
		found, _ := filepath.Glob(d.file(pattern)) // the only error is a bad pattern
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("remove data folder: %w", err)
			}
		}
	}
	if err := os.Remove(d.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove data folder: %w", err)
	}
	return nil
}

// openDir makes the folder if it is absent, makes sure that postgres' account reaches it, and locks it within limit.
func openDir(ctx context.Context, path string, limit time.Duration) (*folder, error) {
	if path == "" {
		return nil, errors.New("open data folder: no folder given")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	a, err := chooseAccount()
	if err != nil {
		return nil, err
	}
	if err := ownfiles.SharedFolder(abs); err != nil {
		return nil, fmt.Errorf("make data folder: %w: set BESTOW_DATA_DIR to a folder you may write to", err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil { // what /proc shows of a process in it
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	if err := a.reach(abs); err != nil {
		return nil, fmt.Errorf("reach data folder: %w: let others pass it (chmod o+x), "+
			"or set BESTOW_DATA_DIR to a folder outside%s", err, suggestion(a))
	}
	f, err := flock.Take(ctx, filepath.Join(abs, "lock"), limit)
	if err != nil {
		return nil, fmt.Errorf("lock data folder %s: %w", abs, err)
	}
	d := &folder{path: abs, account: a, lock: f}
	if err := d.putRight(); err != nil {
		d.close()
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	return d, nil
}

// suggestion names a folder for our data that the account reaches, if one of the usual ones is.
func suggestion(a account) string {
	for _, path := range []string{"/var/lib/bestow", "/srv/bestow"} {
		if a.reach(filepath.Dir(path)) == nil {
			return ", such as " + path
		}
	}
	return ""
}

// putRight makes the secret files of the folder private: postgres starts in no data folder that others may enter.
func (d *folder) putRight() error {
	if _, err := os.Stat(d.data()); err == nil {
		if err := ownfiles.PrivateFolder(d.data()); err != nil {
			return err
		}
	}
	if err := ownfiles.SecretFile(d.file("password")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d *folder) data() string { return filepath.Join(d.path, "data") }

func (d *folder) file(name string) string { return filepath.Join(d.path, name) }

// close gives the lock back.
func (d *folder) close() { d.once.Do(func() { _ = d.lock.Close() }) }

// major returns the major version that made the cluster, "" if there is none yet.
func (d *folder) major() (string, error) {
	b, err := os.ReadFile(filepath.Join(d.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read cluster version: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// password returns the superuser's password: the one in the file, or a new one if there is no cluster yet.
func (d *folder) password() (string, error) {
	b, err := os.ReadFile(d.file("password"))
	if err == nil && len(b) > 0 {
		return string(b), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read password: %w", err)
	}
	if major, err := d.major(); err != nil || major != "" {
		return "", errors.Join(err, fmt.Errorf("read password: %s is gone, and the cluster refuses every login without it: "+
			"put it back, or remove %s to begin anew", d.file("password"), d.path))
	}
	password := rand.Text()
	if err := writeFile(d.file("password"), []byte(password)); err != nil {
		return "", fmt.Errorf("write password: %w", err)
	}
	return password, nil
}

// writeFile writes a file that is there whole or not at all, also after a power cut, and that only we can read.
func writeFile(path string, content []byte) error {
	fresh, err := tempFile(filepath.Dir(path), content)
	if err != nil {
		return err
	}
	return rename(fresh, path)
}

// tempFile writes a file that only we can read, with a name of its own.
func tempFile(dir string, content []byte) (string, error) {
	f, err := os.CreateTemp(dir, "password.new-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	return f.Name(), errors.Join(err, f.Sync(), f.Close())
}

// rename renames within a folder and makes the new name durable.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	f, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
