package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	bestowhttp "bestow/http"
	"bestow/internal/apitest"
	"bestow/internal/embedpg"
	"bestow/internal/proc"
	"bestow/migrations"

	"github.com/stretchr/testify/require"
)

// smallDisk is a disk of memory with a PostgreSQL on it, data and log of writes. Whoever supervises it starts it again
// as often as it ends, as systemd does; nobody else does anything.
type smallDisk struct {
	testing.TB
	dir    string
	url    string
	starts atomic.Int32 // that came about
}

// newSmallDisk mounts the disk and starts the PostgreSQL. Only root may mount.
func newSmallDisk(t *testing.T, size string) *smallDisk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a full disk is tried by root only, who may mount a small one")
	}
	dir, err := os.MkdirTemp("", "bestow-disk-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.Remove(dir)) })
	if err := syscall.Mount("bestow-disk", dir, "tmpfs", 0, "mode=755,size="+size); errors.Is(err, syscall.EPERM) {
		t.Skip("a full disk is not tried here: this root may not mount a small one: ", err)
	} else {
		require.NoError(t, err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	d := &smallDisk{TB: t, dir: dir}
	ports, err := proc.FreePorts(t.Context(), 1)
	require.NoError(t, err)
	first, err := d.start(t.Context(), ports[0])
	require.NoError(t, err)
	d.url = first.URL
	ctx, cancel := context.WithCancel(context.Background())
	supervised := make(chan struct{})
	go func() {
		defer close(supervised)
		d.supervise(ctx, first)
	}()
	t.Cleanup(func() {
		cancel()
		<-supervised
	})
	return d
}

func (d *smallDisk) start(ctx context.Context, port int) (*embedpg.Server, error) {
	s, err := embedpg.Start(ctx, embedpg.Options{
		Dir:  filepath.Join(d.dir, "postgres"),
		Port: port, Settings: map[string]string{
			"shared_buffers": "32MB", "max_wal_size": "64MB", "min_wal_size": "32MB",
		},
	})
	if err == nil {
		d.starts.Add(1)
	}
	return s, err
}

// supervise starts what ended, again and again, until ctx ends.
func (d *smallDisk) supervise(ctx context.Context, s *embedpg.Server) {
	u, err := url.Parse(s.URL)
	if err != nil {
		d.Errorf("read PostgreSQL's address: %v", err)
		return
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		d.Errorf("read PostgreSQL's port: %v", err)
		return
	}
	for {
		select {
		case <-ctx.Done():
			s.Kill()
			return
		case <-s.Done():
		}
		for again := (*embedpg.Server)(nil); again == nil && ctx.Err() == nil; pause(ctx, 200*time.Millisecond) {
			if again, _ = d.start(ctx, port); again != nil { // an error: the disk is still full
				s = again
			}
		}
	}
}

// fill leaves no byte on the disk; the function that is returned frees it.
func (d *smallDisk) fill() (free func()) {
	d.Helper()
	f, err := os.Create(filepath.Join(d.dir, "ballast"))
	require.NoError(d, err)
	block := make([]byte, 1<<20)
	for len(block) > 0 {
		if _, err := f.Write(block); err != nil {
			require.ErrorIs(d, err, syscall.ENOSPC)
			block = block[:len(block)/2]
		}
	}
	return func() {
		require.NoError(d, f.Close())
		require.NoError(d, os.Remove(f.Name()))
	}
}

// writeLog makes PostgreSQL write its log of writes until it cannot: what a long day does, in a moment.
func (w *world) writeLog() {
	w.Helper()
	for range 500 {
		if _, err := w.pool.Exec(w.Context(),
			`SELECT pg_logical_emit_message(true, 'fill', repeat('x', 1000000))`); err != nil {
			return // PostgreSQL has panicked; its own log may be on the full disk too, and not tell
		}
	}
	require.Fail(w, "the disk is not full")
}

// A disk that is full while members are imported and while they are granted: who asks is told to come again, nobody is
// told of a fault, nothing is half done, and when there is room again everything goes on by itself and ends exactly
// (F34).
func TestDiskFull(t *testing.T) {
	t.Parallel()
	d := newSmallDisk(t, "320m")
	w := newWorld(t)
	w.useDatabase(d.url)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	desk := newDesk(t, p)
	e := w.event(p, "POINT", 10)
	before := w.count(`SELECT count(*) FROM point_targets`)

	free := d.fill()
	require.Equal(t, http.StatusServiceUnavailable, desk.load(e.ID, "full", 60_000))
	require.Contains(t, desk.log.String(), "SQLSTATE 53100", "for no other reason")
	desk.asks(e.ID)
	free()
	desk.works(e.ID)
	w.pool.Reset() // the test's own calls are not tried again
	require.Equal(t, before, w.count(`SELECT count(*) FROM point_targets`), "nothing of the import is there")
	require.Equal(t, http.StatusCreated, desk.load(e.ID, "full", 60_000), "the same request again")
	require.Equal(t, 60_010, w.count(`SELECT count(*) FROM point_targets`))

	w.run(p, e)
	w.granted(5_000)
	require.Less(t, w.count(`SELECT count(*) FROM money.point_member`), 60_010, "some are still to be granted")
	free = d.fill() // from here on PostgreSQL may end at any time
	for range 20 {
		desk.asks(e.ID)
	}
	require.Eventually(t, func() bool {
		w.writeLog()
		desk.asks(e.ID)
		return !desk.ready()
	}, time.Minute, 50*time.Millisecond, "PostgreSQL cannot write its log any more, and we are not ready")
	free()
	desk.works(e.ID)
	w.pool.Reset()
	w.exact(p, w.completed(p, e.ID))
	require.Equal(t, 60_010, w.count(`SELECT count(*) FROM money.point_member`))
	require.Zero(t, w.count(`SELECT count(*) FROM river.river_job WHERE state IN ('discarded', 'cancelled')`))
	require.Zero(t, desk.faults.Load(), "nobody was told of a fault")
	require.Positive(t, desk.refused.Load())
}

// desk is the API and the private port of a process, for who asks over HTTP.
type desk struct {
	testing.TB
	api, ops        *httptest.Server
	log             bytes.Buffer
	faults, refused atomic.Int32
}

func newDesk(t *testing.T, p *daemon.Process) *desk {
	t.Helper()
	d := &desk{TB: t, ops: httptest.NewServer(bestowhttp.NewOps(p.Ops()))}
	d.api = httptest.NewServer(apitest.Handler(t, bestowhttp.Config{
		App: p.App, AdminKey: "test",
		Log: slog.New(slog.NewTextHandler(&d.log, nil)),
	}))
	t.Cleanup(d.api.Close)
	t.Cleanup(d.ops.Close)
	return d
}

// ask sends a request and returns its status. One that is refused for now says when to come again.
func (d *desk) ask(method, path, key string, body io.Reader) int {
	d.Helper()
	req, err := http.NewRequestWithContext(d.Context(), method, d.api.URL+"/api/v1"+path, body)
	require.NoError(d, err)
	req.Header.Set("Authorization", "Bearer test")
	req.Header.Set("Content-Type", "application/json")
	if strings.HasSuffix(path, "/targets") {
		req.Header.Set("Content-Type", "text/csv")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := d.api.Client().Do(req)
	require.NoError(d, err)
	answer, err := io.ReadAll(res.Body)
	require.NoError(d, err)
	require.NoError(d, res.Body.Close())
	switch {
	case res.StatusCode == http.StatusServiceUnavailable:
		require.Equal(d, "5", res.Header.Get("Retry-After"))
		require.Contains(d, string(answer), `"code":"unavailable"`)
		d.refused.Add(1)
	case res.StatusCode >= http.StatusInternalServerError:
		d.faults.Add(1)
		d.Errorf("%s %s: %d %s: %s", method, path, res.StatusCode, answer, d.said("request failed"))
	}
	return res.StatusCode
}

// said is the last line of the API's log with these words.
func (d *desk) said(words string) (last string) {
	for line := range strings.Lines(d.log.String()) {
		if strings.Contains(line, words) {
			last = line
		}
	}
	return last
}

// load imports n further members into an event.
func (d *desk) load(event int64, key string, n int) int {
	d.Helper()
	var list strings.Builder
	list.WriteString("member_id\n")
	for i := range n {
		fmt.Fprintf(&list, "L%07d\n", i)
	}
	return d.ask("POST", fmt.Sprintf("/events/%d/targets", event), key, strings.NewReader(list.String()))
}

// asks sends what people ask for while the disk is full: whatever is answered, it is no fault.
func (d *desk) asks(event int64) {
	d.Helper()
	name := time.Now().UnixNano()
	d.ask("POST", "/events", fmt.Sprint(name),
		strings.NewReader(fmt.Sprintf(`{"campaign_id": "full-%d", "event_type": "POINT"}`, name)))
	d.ask("GET", "/events", "", nil)
	d.ask("GET", fmt.Sprintf("/events/%d/progress", event), "", nil)
	d.ask("POST", fmt.Sprintf("/events/%d/retry", event), fmt.Sprint(name), strings.NewReader(`{}`))
}

// works waits until the process is ready and answers.
func (d *desk) works(event int64) {
	d.Helper()
	require.Eventually(d, func() bool {
		return d.ready() && d.ask("GET", fmt.Sprintf("/events/%d", event), "", nil) == http.StatusOK
	}, time.Minute, 100*time.Millisecond, "it is ready again")
}

// ready returns what the process says of itself.
func (d *desk) ready() bool {
	d.Helper()
	res, err := d.ops.Client().Get(d.ops.URL + "/readyz")
	require.NoError(d, err)
	require.NoError(d, res.Body.Close())
	return res.StatusCode == http.StatusOK
}

// granted waits until so many members of the world were.
func (w *world) granted(n int) {
	w.Helper()
	require.Eventually(w, func() bool { return w.count(`SELECT count(*) FROM money.point_member`) >= n }, time.Minute,
		5*time.Millisecond)
}

// useDatabase moves a world without processes to another database.
func (w *world) useDatabase(url string) {
	w.Helper()
	require.NoError(w, migrations.Up(w.Context(), url))
	w.cfg.DatabaseURL = url
	pool, err := daemon.OpenPool(w.Context(), w.cfg)
	require.NoError(w, err)
	w.Cleanup(pool.Close)
	w.pool = pool
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
