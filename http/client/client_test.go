package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bestow/app"
	"bestow/domain"
	bestowhttp "bestow/http"
	"bestow/http/api"
	"bestow/http/client"
	"bestow/internal/apitest"
	"bestow/internal/pgtest"
	"bestow/jobs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// setup is a client of a real server on a database of its own.
func setup(t *testing.T) (*client.Client, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.New(t)
	inserter, err := jobs.NewInserter(pool)
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	a, err := app.New(app.Deps{Pool: pool, River: inserter, Log: log})
	require.NoError(t, err)
	return connect(t, apitest.Handler(t, bestowhttp.Config{App: a, AdminKey: "key", Log: log})), pool
}

// connect is a client of any server.
func connect(t *testing.T, h http.Handler) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := client.New(s.URL+"/", "key")
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func refused(t *testing.T, err error, code domain.Code) *domain.Error {
	t.Helper()
	var e *domain.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code)
	return e
}

func create(t *testing.T, c *client.Client, campaign string) api.Event {
	t.Helper()
	amount := int64(500)
	e, err := c.CreateEvent(t.Context(), api.NewEvent{CampaignID: campaign, EventType: "POINT", DefaultAmount: &amount})
	require.NoError(t, err)
	return e
}

// All that the client can ask, there and back.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	c, pool := setup(t)
	expiry := time.Date(2999, 1, 2, 3, 4, 5, 0, time.UTC)
	reason, partitions := "봄", 8
	made, err := c.CreateEvent(t.Context(),
		api.NewEvent{
			CampaignID: "a", EventType: "POINT", DefaultReason: &reason, ExpiryAt: &expiry,
			PartitionCount: &partitions,
		})
	require.NoError(t, err)
	require.Equal(t, expiry, *made.ExpiryAt)
	shown, err := c.Event(t.Context(), made.ID)
	require.NoError(t, err)
	require.NotEmpty(t, shown.WaitingFor)
	shown.WaitingFor = nil // told of an event that is shown, not of one that was just made
	require.Equal(t, made, shown)

	body := "member_id,amount\nm1,5\nm2,x\n"
	up := client.Upload{Body: strings.NewReader(body), Size: int64(len(body)), ContentType: "text/csv"}
	r, err := c.ImportTargets(t.Context(), made.ID, up)
	require.NoError(t, err)
	require.Equal(t, 1, r.Accepted)
	// the answer, which the proof compares with what is there: it would miss the list if all of it were taken away
	var kept int
	require.NoError(t,
		pool.QueryRow(t.Context(), `SELECT count(*) FROM idempotency_keys WHERE answer::text LIKE '%"ImportID"%'`).Scan(
			&kept))
	require.Equal(t, 1, kept)
	history, err := c.Imports(t.Context(), made.ID)
	require.NoError(t, err)
	require.Equal(t, *r.ImportID, history.Items[0].ImportID)
	var table, original strings.Builder
	require.NoError(t, c.Rejected(t.Context(), made.ID, *r.ImportID, false, &table))
	require.Contains(t, table.String(), "3,bad_amount,")
	require.NoError(t, c.Rejected(t.Context(), made.ID, *r.ImportID, true, &original))
	require.Equal(t, "\uFEFFmember_id,amount\nm2,x\n", original.String())

	started, err := c.StartEvent(t.Context(), made.ID)
	require.NoError(t, err)
	require.Equal(t, "RUNNING", started.EventStatus)
	p, err := c.Progress(t.Context(), made.ID)
	require.NoError(t, err)
	require.Equal(t, 1, p.Total)
	page, err := c.Events(t.Context(), client.Filter{Status: "RUNNING", Type: "POINT", CampaignID: "a", Limit: 1})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	require.Equal(t, "relay", page.Items[0].WaitingFor[0].Code)
	page.Items[0].WaitingFor = nil
	require.Equal(t, []api.Event{started}, page.Items)
}

// A refusal is the error that the server had.
func TestRefusals(t *testing.T) {
	t.Parallel()
	c, pool := setup(t)
	e := create(t, c, "a")
	_, err := c.Event(t.Context(), 999)
	require.NotEmpty(t, refused(t, err, domain.NotFound).Hint)
	_, err = c.CreateEvent(t.Context(), api.NewEvent{CampaignID: " ", EventType: "X"})
	invalid := refused(t, err, domain.Invalid)
	require.Equal(t, []string{"campaign_id", "event_type"}, []string{invalid.Fields[0].Name, invalid.Fields[1].Name})
	_, err = c.CreateEvent(t.Context(), api.NewEvent{CampaignID: "a", EventType: "POINT"})
	require.Equal(t, e.ID, refused(t, err, domain.CampaignTaken).EventID)
	up := client.Upload{
		Body: strings.NewReader("member_id,amount\nm1,x\n"), ContentType: "text/csv", Abort: true,
		DryRun: true,
	}
	_, err = c.ImportTargets(t.Context(), e.ID, up)
	var rows *client.RejectedError
	require.ErrorAs(t, err, &rows)
	require.Equal(t, int64(2), rows.Rows[0].Line)
	_ = refused(t, err, domain.AllRejected)
	_, err = pool.Exec(t.Context(), `UPDATE campaign_events SET event_status = 'STOPPED'`)
	require.NoError(t, err)
	_, err = c.StartEvent(t.Context(), e.ID)
	wrong := refused(t, err, domain.WrongStatus)
	require.Equal(t, domain.Stopped, wrong.Current)
	require.Equal(t, []domain.Move{domain.Resume}, wrong.Allowed)
}

// An event is found by its id and by its campaign_id; a number that is both is not guessed.
func TestFindEvent(t *testing.T) {
	t.Parallel()
	c, _ := setup(t)
	first := create(t, c, "spring")
	second := create(t, c, fmt.Sprint(first.ID)) // named as the first one's id
	third := create(t, c, "id:x")
	own := create(t, c, fmt.Sprint(third.ID+1)) // named as its own id
	for name, want := range map[string]int64{
		"spring":                             first.ID,
		fmt.Sprint(second.ID):                second.ID,
		fmt.Sprintf("id:%d", first.ID):       first.ID,
		fmt.Sprintf("campaign:%d", first.ID): second.ID,
		"campaign:spring":                    first.ID,
		"id:x":                               third.ID,
		fmt.Sprint(own.ID):                   own.ID,
	} {
		e, err := c.FindEvent(t.Context(), name)
		require.NoError(t, err, name)
		require.Equal(t, want, e.ID, name)
	}
	_, err := c.FindEvent(t.Context(), fmt.Sprint(first.ID))
	require.Contains(t, refused(t, err, domain.Invalid).Hint, "id:")
	for _, name := range []string{"", "id:", "campaign:"} { // an unset variable of a shell is nobody's name
		_, err := c.FindEvent(t.Context(), name)
		require.Contains(t, refused(t, err, domain.Invalid).Hint, "event list")
	}
	for _, name := range []string{"nothing", "999999", "id:999999", "campaign:nothing", "9223372036854775808"} {
		_, err := c.FindEvent(t.Context(), name)
		_ = refused(t, err, domain.NotFound)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	c, pool := setup(t)
	e := create(t, c, "a")
	n := 0
	require.NoError(t, c.Follow(t.Context(), e.ID, func(p api.Progress) error {
		n++
		require.Equal(t, "PENDING", p.EventStatus)
		return nil
	}))
	require.Equal(t, 1, n)
	_, err := pool.Exec(t.Context(), `UPDATE campaign_events SET event_status = 'RUNNING'`)
	require.NoError(t, err)
	enough := errors.New("enough")
	require.ErrorIs(t, c.Follow(t.Context(), e.ID, func(api.Progress) error { return enough }), enough)
	_ = refused(t, c.Follow(t.Context(), 999, nil), domain.NotFound)
}

// A busy server is asked again, with the same key, and not for ever.
func TestAsksAgain(t *testing.T) {
	t.Parallel()
	var keys []string
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if keys = append(keys, r.Header.Get("Idempotency-Key")); len(keys) < 3 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"code": "unavailable", "status": 503, "detail": "busy", "request_id": "r1"}`)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"id": 7}`)
	}))
	e, err := c.StartEvent(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, int64(7), e.ID)
	require.Len(t, keys, 3)
	require.NotEmpty(t, keys[0])
	require.Equal(t, keys[0], keys[2])
}

// What stands in the server's place is told from the server.
func TestNotOurs(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	for status, code := range map[int]domain.Code{404: domain.NotFound, 302: domain.NotFound, 500: domain.Unavailable} {
		c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>")
		}))
		_, err := c.Event(t.Context(), 1)
		require.NotEmpty(t, refused(t, err, code).Hint)
	}
	require.Equal(t, int64(1+1+3), asked.Load())
	c := connect(t,
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
	_, err := c.Event(t.Context(), 1)
	require.ErrorContains(t, err, "read answer")
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "127.0.0.1:8080", "ftp://x", "http://", "://", "http://u:s3cret@h:1", "http://u:p@s3cret@h:1",
		"http://h:1/?key=s3cret", "http://h:1/#s3cret",
	} {
		_, err := client.New(url, "key")
		_ = refused(t, err, domain.Invalid)
		require.NotContains(t, err.Error(), "s3cret")
	}
	c, err := client.New("http://127.0.0.1:1", "key")
	require.NoError(t, err)
	_, err = c.Event(t.Context(), 1)
	require.Contains(t, refused(t, err, domain.Unavailable).Hint, "BESTOW_URL")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Event(ctx, 1)
	require.ErrorIs(t, err, context.Canceled)
}

// A refused upload is refused before it is sent, however long it is.
func TestRefusedUploadIsNotSent(t *testing.T) {
	t.Parallel()
	c, _ := setup(t)
	endless := &counting{}
	_, err := c.ImportTargets(t.Context(), 1, client.Upload{Body: endless, ContentType: "application/pdf"})
	_ = refused(t, err, api.UnsupportedType)
	require.Zero(t, endless.n)
}

// A large list that is refused at its first line gets its answer, though the client is still sending.
func TestUploadRefusedWhileItIsSent(t *testing.T) {
	t.Parallel()
	c, _ := setup(t)
	e := create(t, c, "a")
	path := filepath.Join(t.TempDir(), "list.csv")
	require.NoError(t, os.WriteFile(path, []byte("who\n"+strings.Repeat("\n", 16<<20)), 0o600))
	for range 5 {
		f, err := os.Open(path)
		require.NoError(t, err)
		_, err = c.ImportTargets(t.Context(), e.ID, client.Upload{Body: f, Size: 16<<20 + 4, ContentType: "text/csv"})
		_ = f.Close() // by the client already, unless it was not asked for
		_ = refused(t, err, domain.BadFile)
	}
}

// counting is a body without an end.
type counting struct{ n int }

func (c *counting) Read(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

// An upload whose answer is lost says whether the list may be in, and what to do (P27).
func TestUploadWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	killed := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close() // as a kill -9 does
		}
	}))
	body := "member_id\nm1\n"
	upload := func(c *client.Client) *domain.Error {
		_, err := c.ImportTargets(t.Context(), 7,
			client.Upload{Body: strings.NewReader(body), Size: int64(len(body)), ContentType: "text/csv"})
		return refused(t, err, domain.Unavailable)
	}
	require.Equal(t, "the list is stored whole or not at all: `bestow targets list 7` shows it if it is; "+
		"to upload it again is safe", upload(killed).Hint)
	_, err := killed.Event(t.Context(), 7)
	require.Contains(t, refused(t, err, domain.Unavailable).Hint, "is `bestow serve` running there?")

	absent := httptest.NewServer(http.NotFoundHandler())
	absent.Close()
	c, err := client.New(absent.URL, "key")
	require.NoError(t, err)
	t.Cleanup(c.Close)
	require.Contains(t, upload(c).Hint, "is `bestow serve` running there?", "nothing was sent")
}
