//go:build unix

package embedpg

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	fetcher "github.com/fergusstrange/embedded-postgres"
	"github.com/stretchr/testify/require"
)

// repository serves one archive, testdata/tiny.txz: bin/postgres and bin/initdb are scripts that print a version (made
// with `tar -cJf`). It cuts off as many answers as it is told.
type repository struct {
	source source
	cut    atomic.Int32
	served atomic.Int32
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	archive, err := os.ReadFile("testdata/tiny.txz")
	require.NoError(t, err)
	jar := new(bytes.Buffer)
	w := zip.NewWriter(jar)
	f, err := w.Create("postgres.txz")
	require.NoError(t, err)
	_, err = f.Write(archive)
	require.NoError(t, err)
	require.NoError(t, w.Close())

	r := &repository{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body := jar.Bytes()
		if strings.HasSuffix(q.URL.Path, ".sha256") {
			sum := sha256.Sum256(body)
			_, _ = w.Write([]byte(hex.EncodeToString(sum[:])))
			return
		}
		r.served.Add(1)
		if r.cut.Add(-1) >= 0 {
			w.Header().Set("Content-Length", "1000000")
			body = body[:len(body)/2]
		}
		_, _ = w.Write(body) // too short for its length: the server then cuts the connection
	}))
	t.Cleanup(server.Close)
	r.source = source{
		config:  fetcher.DefaultConfig().Version(fetcher.V18).BinaryRepositoryURL(server.URL),
		version: "18.3.0",
		pins:    map[string]string{},
	}
	sum := sha256.Sum256(archive)
	for name := range pins() {
		r.source.pins[name] = hex.EncodeToString(sum[:])
	}
	return r
}

func (r *repository) get(t *testing.T, cache string) (binaries, error) {
	t.Helper()
	a, err := chooseAccount()
	require.NoError(t, err)
	return r.source.get(t.Context(), a, cache, Options{Log: slog.New(slog.DiscardHandler)})
}

// A fetch says before it begins what it downloads to where, and leaves nothing in the temporary folder, whether it
// succeeds or not. What is there already is not announced.
func TestFetchIsAnnounced(t *testing.T) {
	cache, temporary, r := tempDir(t), t.TempDir(), newRepository(t)
	t.Setenv("TMPDIR", temporary)
	r.cut.Store(1)
	a, err := chooseAccount()
	require.NoError(t, err)
	var said []string
	o := Options{Log: slog.New(slog.DiscardHandler), OnFetch: func(version, folder string) {
		require.Len(t, said, int(r.served.Load()), "before the download")
		said = append(said, version+" "+folder)
	}}
	for range 3 {
		_, err = r.source.get(t.Context(), a, cache, o)
		require.Empty(t, names(t, temporary))
	}
	require.NoError(t, err)
	require.Equal(t, []string{"18.3.0 " + cache, "18.3.0 " + cache}, said, "once for the one cut off, once for the next")
}

// A download that is cut off is an error that leaves nothing, and the next one works; after that no network is needed.
func TestFetchCutOff(t *testing.T) {
	t.Parallel()
	cache, r := tempDir(t), newRepository(t)
	r.cut.Store(2)
	for range 2 {
		_, err := r.get(t, cache)
		require.ErrorContains(t, err, "fetch PostgreSQL 18.3.0")
		require.ErrorContains(t, err, "offline?")
		require.Equal(t, []string{"lock"}, names(t, cache))
	}
	b, err := r.get(t, cache)
	require.NoError(t, err)
	require.Equal(t, "18.3", b.version)
	require.EqualValues(t, 3, r.served.Load())
	_, err = r.get(t, cache)
	require.NoError(t, err)
	require.EqualValues(t, 3, r.served.Load(), "fetched again")
}

// An altered archive is not even unpacked, and neither is one of which no checksum is known.
func TestFetchAltered(t *testing.T) {
	t.Parallel()
	cache, r := tempDir(t), newRepository(t)
	for name := range r.source.pins {
		r.source.pins[name] = strings.Repeat("0", 64)
	}
	_, err := r.get(t, cache)
	require.ErrorContains(t, err, "altered")
	require.Equal(t, []string{"lock"}, names(t, cache))
	clear(r.source.pins)
	_, err = r.get(t, cache)
	require.ErrorContains(t, err, "no checksum")
	require.Equal(t, []string{"lock"}, names(t, cache))
}

// A server that never answers does not hold us: the library has no time-out, so we leave it behind.
func TestFetchGivesUp(t *testing.T) {
	t.Parallel()
	asked, let := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-let
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(let) })
	s := source{config: fetcher.DefaultConfig().Version(fetcher.V18).BinaryRepositoryURL(server.URL)}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	require.ErrorIs(t, s.fetch(ctx, tempDir(t), "/nowhere/pg"), context.Canceled)
}

// A fetch that was killed half way, and binaries that a power cut has spoilt, are replaced.
func TestFetchReplacesRuins(t *testing.T) {
	t.Parallel()
	cache, r := tempDir(t), newRepository(t)
	b, err := r.get(t, cache)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(b.postgres(), 0))
	require.NoError(t, os.MkdirAll(filepath.Join(cache, "fetch-1", "unpacked"), 0o700))
	again, err := r.get(t, cache)
	require.NoError(t, err)
	require.Equal(t, b, again)
	require.Equal(t, []string{"lock", filepath.Base(filepath.Dir(b.dir))}, names(t, cache))
}

// Every pin is a sha256 of an archive of the version that is fetched.
func TestPins(t *testing.T) {
	t.Parallel()
	for name, sum := range pins() {
		require.Contains(t, name, "-"+string(fetchedVersion)+".txz")
		require.Len(t, sum, 64)
	}
	require.True(t, strings.HasPrefix(string(fetchedVersion), fetchedMajor+"."))
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
