package http

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

const csvType = "Content-Type: text/csv"

func TestImport(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	list := "member_id,amount,reason\nm1,100,봄\nm2,,\nm3,1000원,=HYPERLINK(1)\nm1,5,\n"

	dry := d.Post(desktest.EventURL(e.ID)+"/targets?dry_run=true", list, csvType)
	require.Equal(t, 200, dry.StatusCode, dry.Text)
	require.JSONEq(t,
		`{"import_id": null, "accepted": 2, "rejected": 2, "total_amount": 600, "unit": "P", "rejected_url": null, "warnings": []}`, dry.Text)
	require.Zero(t, d.Count(`SELECT count(*) FROM imports`))

	a := d.Post(desktest.EventURL(e.ID)+"/targets", list, csvType)
	require.Equal(t, 201, a.StatusCode, a.Text)
	r := desktest.Decoded[api.ImportResult](a)
	require.Equal(t, 2, r.Accepted)
	require.Equal(t, 2, r.Rejected)
	require.Equal(t, int64(600), r.TotalAmount)
	require.Equal(t, 2, desktest.Decoded[api.Event](d.Get(desktest.EventURL(e.ID))).TotalCount)

	history := desktest.Decoded[api.Imports](d.Get(desktest.EventURL(e.ID) + "/imports"))
	require.Len(t, history.Items, 1)
	require.Equal(t, *r.ImportID, history.Items[0].ImportID)
	require.Equal(t, "admin", history.Items[0].CreatedBy)
	require.Len(t, history.Items[0].SHA256, 64)
	require.Equal(t, *r.RejectedURL, *history.Items[0].RejectedURL)

	table := d.Get(*r.RejectedURL)
	require.Equal(t, "text/csv; charset=utf-8", table.Header.Get("Content-Type"))
	require.Equal(t, fmt.Sprintf("attachment; filename=rejected-%d-%d.csv", e.ID, *r.ImportID),
		table.Header.Get("Content-Disposition"))
	lines := strings.Split(strings.TrimSpace(table.Text), "\n")
	require.Equal(t, "\uFEFFline,error_code,reason,raw", lines[0])
	require.Len(t, lines, 3)
	require.True(t, strings.HasPrefix(lines[1], "4,bad_amount,"), lines[1])
	require.True(t, strings.HasPrefix(lines[2], "5,duplicate_member,"), lines[2])
	original := d.Get(*r.RejectedURL + "?format=original")
	require.Equal(t, "\uFEFFmember_id,amount,reason\nm3,1000원,=HYPERLINK(1)\nm1,5,\n", original.Text)

	started := d.Post(desktest.EventURL(e.ID)+"/start", "")
	require.Equal(t, 202, started.StatusCode, started.Text)
	p := d.Post(desktest.EventURL(e.ID)+"/targets", "member_id\nm9\n", csvType).Refused(409, "wrong_status")
	require.Equal(t, "RUNNING", p.Current)
	require.Equal(t, 200, d.Post(desktest.EventURL(e.ID)+"/start", "").StatusCode)
}

func TestImportNDJSON(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	a := d.Post(desktest.EventURL(e.ID)+"/targets", `{"member_id": "m1"}`+"\n"+`{"member_id": "m2", "amount": "5"}`+"\n",
		"Content-Type: application/x-ndjson; charset=utf-8")
	require.Equal(t, 201, a.StatusCode, a.Text)
	r := desktest.Decoded[api.ImportResult](a)
	require.Equal(t, 1, r.Rejected)
	original := d.Get(*r.RejectedURL + "?format=original")
	require.Equal(t, "application/x-ndjson", original.Header.Get("Content-Type"))
	require.JSONEq(t, `{"member_id": "m2", "amount": "5"}`, original.Text)
}

// A refused list says which rows are why, and nothing of it is kept.
func TestImportRefused(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	targets := desktest.EventURL(e.ID) + "/targets"
	p := d.Post(targets+"?on_reject=abort", "member_id,amount\nm1,1\nm1,2\nm2,x\n", csvType).Refused(422,
		"rows_rejected")
	require.Equal(t, 2, p.Rejected)
	require.Len(t, p.RejectedRows, 2)
	require.Equal(t, int64(3), p.RejectedRows[0].Line)
	require.Equal(t, int64(2), *p.RejectedRows[0].FirstLine)
	require.Equal(t, "m1,2", p.RejectedRows[0].Raw)
	require.Equal(t, "bad_amount", p.RejectedRows[1].ErrorCode)
	require.Nil(t, p.RejectedRows[1].FirstLine)

	var many strings.Builder
	many.WriteString("member_id,amount\n")
	for i := range 150 {
		fmt.Fprintf(&many, "m%d,0\n", i)
	}
	p = d.Post(targets, many.String(), csvType).Refused(422, "all_rejected")
	require.Equal(t, 150, p.Rejected)
	require.Len(t, p.RejectedRows, 100)

	d.Post(targets, "member_id\n", csvType).Refused(422, "bad_file")
	d.Post(targets, "who\nm1\n", csvType).Refused(422, "bad_file")
	d.Post(targets, "PK\x03\x04 zip", csvType).Refused(415, "unsupported_file")
	d.Post(targets, "\xff\xfem\x00", csvType).Refused(415, "unsupported_file")
	require.Zero(t, d.Count(`SELECT count(*) FROM imports`))
	require.Zero(t, d.Count(`SELECT total_count FROM campaign_events`))
}

// An import's key covers its body too.
func TestImportIdempotencyKey(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	targets, key := desktest.EventURL(e.ID)+"/targets", "Idempotency-Key: k"
	first := d.Post(targets, "member_id\nm1\n", csvType, key)
	require.Equal(t, 201, first.StatusCode, first.Text)
	again := d.Post(targets, "member_id\nm1\n", csvType, key)
	require.Equal(t, 201, again.StatusCode, again.Text)
	require.Equal(t, first.Text, again.Text)
	require.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
	d.Post(targets, "member_id\nm2\n", csvType, key).Refused(422, "key_reused")
	d.Post(targets+"?on_reject=abort", "member_id\nm1\n", csvType, key).Refused(422, "key_reused")
	require.Equal(t, 1, d.Count(`SELECT total_count FROM campaign_events`))
}

// A client that goes in the middle of its upload leaves nothing, whether it says how long the body is or not.
func TestImportClientGoes(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	free := func() bool {
		return d.Count(`SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
			WHERE locktype = 'advisory' AND datname = current_database()`) == 0
	}
	for _, header := range []string{"Content-Length: 1000000", "Transfer-Encoding: chunked"} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", d.Listener.Addr().String())
		require.NoError(t, err)
		body := "member_id\nm1\nm2\n"
		if strings.HasPrefix(header, "T") {
			body = fmt.Sprintf("%x\r\n%s\r\n", len(body), body)
		}
		_, err = fmt.Fprintf(conn,
			"POST %s/targets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: text/csv\r\n%s\r\n\r\n%s",
			desktest.EventURL(e.ID), desktest.Key, header, body)
		require.NoError(t, err)
		require.NoError(t, conn.(*net.TCPConn).CloseWrite())
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Contains(t, string(answer), "400 Bad Request")
		require.Contains(t, string(answer), `"code":"malformed"`)
		require.NoError(t, conn.Close())
		require.Eventually(t, free, 10*time.Second, 10*time.Millisecond,
			"PostgreSQL sees a moment later that nobody is there")
	}
	require.Zero(t, d.Count(`SELECT count(*) FROM imports`))
	require.Zero(t, d.Count(`SELECT total_count FROM campaign_events`))
	require.Equal(t, 201, d.Post(desktest.EventURL(e.ID)+"/targets", "member_id\nm1\n", csvType).StatusCode,
		"the event is free again")
}

// A download that fails in the middle is cut off: the client must not take the part for the whole.
func TestRejectedCutOff(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	var list bytes.Buffer
	list.WriteString("member_id,amount\nok,1\n")
	for i := range 3000 {
		fmt.Fprintf(&list, "m%d,%s\n", i, strings.Repeat("x", 200))
	}
	r := desktest.Decoded[api.ImportResult](d.Post(desktest.EventURL(e.ID)+"/targets", list.String(), csvType))
	require.Equal(t, 3000, r.Rejected)
	whole := d.Get(*r.RejectedURL)
	require.Equal(t, 3001, strings.Count(whole.Text, "\n"))

	broken := desktest.Listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.Config.Handler.ServeHTTP(&failingWriter{ResponseWriter: w, left: 10_000}, r)
	}))
	req, err := http.NewRequestWithContext(t.Context(), "GET", broken.URL+*r.RejectedURL, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+desktest.Key)
	res, err := broken.Client().Do(req)
	if err == nil {
		_, err = io.ReadAll(res.Body)
		require.NoError(t, res.Body.Close())
	}
	require.Error(t, err)
	require.Eventually(t, func() bool { return strings.Count(d.Logged.String(), "/rejected status=200") == 2 },
		10*time.Second, 10*time.Millisecond)
}

// failingWriter takes so many bytes and no more.
type failingWriter struct {
	http.ResponseWriter
	left int
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errors.New("disk full")
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets a http.ResponseController through.
func (w *failingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
