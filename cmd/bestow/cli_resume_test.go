package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"bestow/app"
	"bestow/cmd/bestow/terminal"
	bestowhttp "bestow/http"
	"bestow/internal/apitest"
	"bestow/jobs"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cut lets only some bytes of a body through.
type cut struct {
	io.ReadCloser

	left int
}

func (c *cut) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.ReadCloser.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// api is the admin API on the shell's database.
func (s *shell) api() http.Handler {
	s.Helper()
	inserter, err := jobs.NewInserter(s.pool)
	require.NoError(s, err)
	log := slog.New(slog.DiscardHandler)
	a, err := app.New(app.Deps{Pool: s.pool, River: inserter, Log: log})
	require.NoError(s, err)
	return apitest.Handler(s, bestowhttp.Config{App: a, AdminKey: "key", Log: log})
}

// A large file whose connection breaks goes on where it was; a second command goes on where the first one gave up.
func TestCommandLineResumes(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	service := s.api()
	var pieces, cuts atomic.Int64
	refuses := atomic.Bool{}
	s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodPatch:
			service.ServeHTTP(w, r)
		case refuses.Load():
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"code": "forbidden", "detail": "not now"}`)
		case pieces.Add(1) == 1:
			r.Body = &cut{r.Body, 5 << 20}
			service.ServeHTTP(w, r)
			cuts.Add(1)
			panic(http.ErrAbortHandler) //nolint:forbidigo // net/http breaks the connection so
		default:
			service.ServeHTTP(w, r)
		}
	}))
	s.done("event create --campaign-id spring --event-type POINT --default-amount 500")
	list := s.largeList()

	refuses.Store(true)
	code, _, errs := s.run("targets import spring " + list)
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "the same command goes on where it was")
	refuses.Store(false)
	s.done("targets import --dry-run spring " + list)
	require.EqualValues(t, 1, cuts.Load())
	require.EqualValues(t, 2, pieces.Load())
	out, errs := s.done("targets import spring " + list)
	require.Contains(t, out, "80,000 targets imported")
	require.Contains(t, errs, "100 % of the file were sent before")
	require.EqualValues(t, 2, pieces.Load(), "a dry run keeps what was sent")
	var left int
	require.NoError(t, s.pool.QueryRow(t.Context(), `SELECT count(*) FROM uploads`).Scan(&left))
	require.Zero(t, left)
}

// If each answer of the import is lost, the command says what became of the list.
func TestCommandLineImportWithoutAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		imports bool   // the service imports the list
		deletes bool   // somebody deletes what was sent
		away    bool   // the service does not answer any more
		says    string // in one line
	}{
		"imported":    {imports: true, says: "the list is in: import 1 of event 1 is the same file, with 80,000 targets"},
		"kept":        {says: "what was sent is kept for 24 hours: the same command goes on where it was"},
		"gone":        {deletes: true, says: "what was sent is gone, and the event has no import of this file: the same command sends it anew"},
		"not to know": {imports: true, away: true, says: "no answer says whether the list was imported: `bestow targets list 1` shows it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			service := s.api()
			asked := atomic.Bool{}
			s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				isImport := r.URL.Query().Has("upload")
				if c.away && asked.Load() && !isImport {
					panic(http.ErrAbortHandler) //nolint:forbidigo // net/http breaks the connection so
				}
				if !isImport {
					service.ServeHTTP(w, r)
					return
				}
				asked.Store(true)
				if c.imports {
					service.ServeHTTP(httptest.NewRecorder(), r)
				}
				if c.deletes {
					_, err := s.pool.Exec(r.Context(), `DELETE FROM uploads`)
					assert.NoError(t, err)
				}
				panic(http.ErrAbortHandler) //nolint:forbidigo // as above
			}))
			s.done("event create --campaign-id spring --event-type POINT --default-amount 500")
			code, _, errs := s.run("targets import spring " + s.largeList())
			require.Equal(t, terminal.ExitFailed, code)
			require.Contains(t, errs, c.says)
			require.Equal(t, name == "kept", strings.Contains(errs, "kept for 24 hours"))
		})
	}
}

// largeList is a file of 80,000 rows, which is large enough to be sent in pieces.
func (s *shell) largeList() (path string) {
	s.Helper()
	var text strings.Builder
	text.WriteString("member_id,amount,reason\n")
	for i := range 80_000 {
		fmt.Fprintf(&text, "m%06d,5,%s\n", i, strings.Repeat("reason ", 30))
	}
	return s.file("list.csv", text.String())
}

// Of two commands that import one file into two events, the second sends the file anew if the first one has imported
// what both have sent.
func TestCommandLineSendsAnew(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	service := s.api()
	var imports, vanishing atomic.Int64
	vanishing.Store(1)
	s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("upload") && imports.Add(1) <= vanishing.Load() {
			_, err := s.pool.Exec(r.Context(), `DELETE FROM uploads`)
			assert.NoError(t, err)
		}
		service.ServeHTTP(w, r)
	}))
	s.done("event create --campaign-id spring --event-type POINT --default-amount 500")
	list := s.largeList()
	out, errs := s.done("targets import --dry-run spring " + list)
	require.Contains(t, errs, "another command with the same file has imported or deleted what was sent: it is sent anew")
	require.Contains(t, out, "80,000")
	require.EqualValues(t, 2, imports.Load())

	vanishing.Store(100) // it is not sent again and again
	code, _, errs := s.run("targets import spring " + list)
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "there is no upload")
	require.EqualValues(t, 4, imports.Load())
}
