package http

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"bestow/app"
	"bestow/http/api"
	"bestow/http/web"
	"bestow/internal/desktest"
	"bestow/internal/pg"

	"github.com/stretchr/testify/require"
)

// sending is a client that writes its request by hand, and reads only when it is told to.
type sending struct {
	testing.TB
	net.Conn
}

func (d *desk) dial(address string) sending {
	d.Helper()
	conn, err := new(net.Dialer).DialContext(d.Context(), "tcp", address)
	require.NoError(d, err)
	d.Cleanup(func() { _ = conn.Close() })
	return sending{d, conn}
}

// begin writes a request's head and the first part of its body.
func (c sending) begin(path, body string, headers ...string) {
	c.Helper()
	head := "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n"
	_, err := io.WriteString(c, head+body)
	require.NoError(c, err)
}

// answer reads what came back.
func (c sending) answer() answer {
	c.Helper()
	require.NoError(c, c.SetReadDeadline(time.Now().Add(20*time.Second)))
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(c, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(c, err)
	return answer{TB: c, Response: res, Text: string(body)}
}

func keyHeader(key string) string { return "Authorization: Bearer " + key }

// A client that sends all of a large body before it reads gets the answer, whatever refuses it (C8).
func TestRefusedWhileSending(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	done := d.PointEvent("b")
	d.SQL(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, done.ID)
	list := "member_id,amount\n" + strings.Repeat("m0000000000001,1\n", 7<<20/17)
	targets := desktest.EventURL(e.ID) + "/targets"
	for name, c := range map[string]struct {
		path, key, contentType string
		status                 int
		code                   string
	}{
		"no key":        {targets, "", "text/csv", 401, api.Unauthorized},
		"a wrong key":   {targets, "wrong", "text/csv", 401, api.Unauthorized},
		"no event":      {"/api/v1/events/999/targets", desktest.Key, "text/csv", 404, "not_found"},
		"no route":      {"/api/v1/lists", desktest.Key, "text/csv", 404, "not_found"},
		"no method":     {"/api/v1/queue", desktest.Key, "text/csv", 405, api.MethodNotAllowed},
		"another type":  {targets, desktest.Key, "text/plain", 415, api.UnsupportedType},
		"a settled one": {desktest.EventURL(done.ID) + "/targets", desktest.Key, "text/csv", 409, "wrong_status"},
		"too large":     {"/api/v1/events", desktest.Key, "application/json", 413, api.TooLarge},
		"a bad query":   {targets + "?x=1", desktest.Key, "text/csv", 400, api.BadRequest},
	} {
		for _, length := range []string{fmt.Sprintf("Content-Length: %d", len(list)), "Transfer-Encoding: chunked"} {
			t.Run(name+" "+length[:1], func(t *testing.T) {
				t.Parallel()
				client := d.in(t).dial(d.Listener.Addr().String())
				body := list
				if length[0] == 'T' {
					body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(list), list)
				}
				client.begin(c.path, body, keyHeader(c.key), "Content-Type: "+c.contentType, length)
				a := client.answer()
				a.Refused(c.status, c.code)
				require.Equal(t, int64(len(a.Text)), a.ContentLength, "an early reader knows where the answer ends")
			})
		}
	}
}

// The same where every place for imports is taken.
func TestNoPlaceWhileSending(t *testing.T) {
	t.Parallel()
	d := setup(t)
	limits := app.DefaultLimits()
	limits.Imports = 1
	full := d.serve(Config{App: desktest.NewAppWith(t, d.Pool, nil, limits), AdminKey: desktest.Key, Uploads: patient})
	stalled := d.stalled(full.Listener.Addr().String(), d.PointEvent("c"))
	client := d.dial(full.Listener.Addr().String())
	list := "member_id,amount\n" + strings.Repeat("m0000000000001,1\n", 7<<20/17)
	client.begin("/api/v1/events/999/targets", list, keyHeader(desktest.Key), "Content-Type: text/csv",
		fmt.Sprintf("Content-Length: %d", len(list)))
	client.answer().Refused(503, "unavailable")
	require.NoError(t, stalled.Close())
}

// A client that reads while it sends gets the answer before it has sent all.
func TestRefusedBeforeTheBodyEnds(t *testing.T) {
	t.Parallel()
	d := setup(t)
	client := d.dial(d.Listener.Addr().String())
	client.begin("/api/v1/events/999/targets", strings.Repeat("x", 100<<10), keyHeader("wrong"),
		"Content-Type: text/csv", "Content-Length: 1000000000")
	client.answer().Refused(401, api.Unauthorized)
}

// A client that waits for leave to send its body gets the answer at once, and is not asked for the body.
func TestRefusedBeforeLeave(t *testing.T) {
	t.Parallel()
	d := setup(t)
	client := d.dial(d.Listener.Addr().String())
	client.begin("/api/v1/events/999/targets", "", keyHeader("wrong"), "Content-Type: text/csv",
		"Content-Length: 1000000000", "Expect: 100-continue")
	client.answer().Refused(401, api.Unauthorized)
	_, err := client.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "the server does not wait for the body")
}

// quick are limits that a test can wait for.
var quick = web.UploadLimits{Window: 200 * time.Millisecond, Bytes: 1000, StopWait: 20 * time.Millisecond}

// patient are limits that no upload of a test reaches.
var patient = web.UploadLimits{Window: time.Hour, Bytes: 1, StopWait: quick.StopWait}

// An upload that stands still, or comes a byte at a time, is ended, and its event and its place are free (C9).
func TestSlowUpload(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	s := d.serve(Config{App: d.App, AdminKey: desktest.Key, Uploads: quick})
	first := "member_id,amount\n" + strings.Repeat("m0000000000001,1\n", 5000) // enough to take a place
	for name, c := range map[string]struct{ first, then, length string }{
		"nothing":                 {"", "", "Content-Length: 1000000"},
		"stands still":            {first, "", "Content-Length: 1000000"},
		"stands still, chunked":   {fmt.Sprintf("%x\r\n%s\r\n", len(first), first), "", "Transfer-Encoding: chunked"},
		"a byte at a time":        {first, "x", "Content-Length: 1000000"},
		"blank lines, one by one": {first, "\n", "Content-Length: 1000000"},
	} {
		client := d.dial(s.Listener.Addr().String())
		client.begin(desktest.EventURL(e.ID)+"/targets", c.first, keyHeader(desktest.Key), "Content-Type: text/csv", c.length)
		ctx, stop := context.WithCancel(t.Context())
		go client.drip(ctx, c.then)
		client.answer().Refused(408, api.RequestTimeout)
		stop()
		again := d.Post(desktest.EventURL(e.ID)+"/targets?dry_run=true", "member_id\nm1\n", csvType)
		require.Equal(t, 200, again.StatusCode, "%s: %s", name, again.Text)
	}
	require.Zero(t, d.Count(`SELECT count(*) FROM imports`))
}

// drip writes piece again and again, slowly.
func (c sending) drip(ctx context.Context, piece string) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for piece != "" {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, err := io.WriteString(c, piece); err != nil {
				return
			}
		}
	}
}

// listen starts a listener as the service does; stop asks it to end, and ended has the result.
func (d *desk) listen(uploads web.UploadLimits) (address string, stop func(), ended <-chan error) {
	d.Helper()
	l, err := new(net.ListenConfig).Listen(d.Context(), "tcp", "127.0.0.1:0")
	require.NoError(d, err)
	ctx, stop := context.WithCancel(d.Context())
	result := make(chan error, 1)
	handler := handler(d, Config{App: d.App, AdminKey: desktest.Key, Uploads: uploads, Log: d.Logger()})
	go func() { result <- Serve(ctx, l, handler, time.Hour, d.Logger()) }()
	return l.Addr().String(), stop, result
}

// A list whose import takes longer than a window after its last byte is imported, also while the service stops: its
// client has nothing more to send.
func TestLongWorkAfterUpload(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	address, stop, ended := d.listen(quick)
	gate, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = gate.Rollback(context.WithoutCancel(t.Context())) }()
	require.NoError(t, pg.Lock(t.Context(), gate, pg.Gate, e.ID))
	client := d.dial(address)
	list := "member_id,amount\nm1,1\n"
	client.begin(desktest.EventURL(e.ID)+"/targets", list, keyHeader(desktest.Key), "Content-Type: text/csv",
		fmt.Sprintf("Content-Length: %d", len(list)))
	d.AwaitLock()
	stop()
	require.NoError(t, client.SetReadDeadline(time.Now().Add(2*quick.Window)))
	_, err = client.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "it waits for the gate, longer than a window and a stop's wait")
	require.NoError(t, gate.Rollback(t.Context()))
	require.Equal(t, 201, client.answer().StatusCode)
	require.NoError(t, <-ended)
}

// stalled is an upload into an event that has begun and does not go on.
func (d *desk) stalled(address string, e api.Event) sending {
	d.Helper()
	client := d.dial(address)
	client.begin(desktest.EventURL(e.ID)+"/targets", "member_id,amount\n"+strings.Repeat("m0000000000001,1\n", 5000),
		keyHeader(desktest.Key), "Content-Type: text/csv", "Content-Length: 1000000")
	require.Eventually(d, func() bool {
		return d.Count(`SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
			WHERE a.application_name = 'bestow import' AND a.datname = current_database()
			  AND l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND l.granted`) == 1
	}, 20*time.Second, 10*time.Millisecond, "the import has its event")
	return client
}

// An operator ends an upload that is under way: its sender is told by whom, and the event is free (C9).
func TestEndUpload(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	running := desktest.EventURL(e.ID) + "/imports/running"
	d.do(call{"DELETE", running, "", nil}).Refused(404, "not_found")
	d.do(call{"DELETE", "/api/v1/events/999/imports/running", "", nil}).Refused(404, "not_found")
	// another process
	elsewhere := d.serve(Config{App: desktest.NewApp(t, d.Pool, desktest.NoSealer{}), AdminKey: desktest.Key, Uploads: patient})
	client := d.stalled(elsewhere.Listener.Addr().String(), e)
	require.Equal(t, 204, d.do(call{"DELETE", running, "", nil}).StatusCode)
	require.Equal(t, 201, d.Post(desktest.EventURL(e.ID)+"/targets", "member_id\nm1\n", csvType).StatusCode, "the event is free")
	p := client.answer().Refused(409, "upload_ended")
	require.Contains(t, p.Detail, "admin")
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM imports`))
	require.Zero(t, d.Count(`SELECT count(*) FROM pg_class WHERE relname LIKE 'import_stage%'`))
	d.do(call{"DELETE", running, "", nil}).Refused(404, "not_found")
}

// A listener that stops does not wait for an upload that may last for hours: its sender is told to come again (C9).
func TestStopEndsUploads(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	address, stop, ended := d.listen(patient)
	client := d.stalled(address, e)
	stop()
	a := client.answer()
	a.Refused(503, "unavailable")
	require.Equal(t, "5", a.Header.Get("Retry-After"))
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(30 * time.Second):
		require.Fail(t, "the listener waits for the upload")
	}
}
