package http

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

const uploadsURL = prefix + "/uploads"

// metadata is an Upload-Metadata header.
func metadata(pairs ...string) string {
	parts := make([]string, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		parts = append(parts, pairs[i]+" "+base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
	}
	return "Upload-Metadata: " + strings.Join(parts, ",")
}

const tus = "Tus-Resumable: 1.0.0"

// begun begins an upload and returns its path.
func (d *desk) begun(size int, headers ...string) string {
	d.Helper()
	a := d.Post(uploadsURL, "", append([]string{
		tus, fmt.Sprintf("Upload-Length: %d", size), metadata("filetype", "text/csv", "filename", "봄.csv"),
	}, headers...)...)
	require.Equal(d, 201, a.StatusCode, a.Text)
	require.Equal(d, "1.0.0", a.Header.Get("Tus-Resumable"))
	require.Equal(d, "0", a.Header.Get("Upload-Offset"))
	expires, err := http.ParseTime(a.Header.Get("Upload-Expires"))
	require.NoError(d, err)
	require.WithinDuration(d, time.Now().Add(24*time.Hour), expires, time.Minute)
	return a.Header.Get("Location")
}

func (d *desk) piece(path string, at int, bytes string, headers ...string) answer {
	d.Helper()
	return d.do(call{"PATCH", path, bytes, append([]string{
		tus, "Content-Type: application/offset+octet-stream", fmt.Sprintf("Upload-Offset: %d", at),
	}, headers...)})
}

// offset asks where an upload goes on.
func (d *desk) offset(path string) int {
	d.Helper()
	a := d.do(call{"HEAD", path, "", nil})
	require.Equal(d, 200, a.StatusCode)
	at, err := strconv.Atoi(a.Header.Get("Upload-Offset"))
	require.NoError(d, err)
	return at
}

func idOf(path string) string { return path[strings.LastIndex(path, "/")+1:] }

// bytesOf are the bytes of an upload as they are stored.
func (d *desk) bytesOf(path string) string {
	d.Helper()
	var all []byte
	require.NoError(d, d.Pool.QueryRow(d.Context(),
		`SELECT string_agg(bytes, '' ORDER BY at) FROM upload_pieces WHERE upload_id = $1::bigint`, idOf(path)).Scan(&all))
	return string(all)
}

func list(n int) string {
	var b strings.Builder
	b.WriteString("member_id,amount\n")
	for i := range n {
		fmt.Fprintf(&b, "m%09d,%d\n", i, i%7+1)
	}
	return b.String()
}

// leftovers is the number of rows that uploads have.
func (d *desk) leftovers() int {
	d.Helper()
	return d.Count(`SELECT (SELECT count(*) FROM uploads) + (SELECT count(*) FROM upload_pieces)`)
}

// A list that breaks off in the middle goes on where it was, is stored byte for byte, and becomes what the same list
// becomes that is sent whole. The import removes it.
func TestUploadGoesOn(t *testing.T) {
	t.Parallel()
	d := setup(t)
	text := list(200_000) // more than two pieces
	path := d.begun(len(text))
	client := d.dial(d.Listener.Addr().String())
	cut := 2<<20 + 12345
	require.Less(t, cut, len(text))
	head := "PATCH " + path + " HTTP/1.1\r\nHost: x\r\n" + strings.Join([]string{
		keyHeader(desktest.Key), tus, "Upload-Offset: 0", "Content-Type: application/offset+octet-stream",
		fmt.Sprintf("Content-Length: %d", len(text)),
	}, "\r\n") + "\r\n\r\n"
	_, err := io.WriteString(client, head+text[:cut])
	require.NoError(t, err)
	require.NoError(t, client.Close())
	require.Eventually(t, func() bool { return d.offset(path) == cut }, 20*time.Second, 10*time.Millisecond,
		"all that came is kept")
	require.Equal(t, text[:cut], d.bytesOf(path))

	e := d.PointEvent("resumed")
	targets := desktest.EventURL(e.ID) + "/targets"
	p := d.Post(targets+"?upload="+idOf(path), "").Refused(409, domain.UploadPartial)
	require.Contains(t, p.Detail, strconv.Itoa(cut))
	require.Contains(t, p.Hint, strconv.Itoa(cut))
	a := d.piece(path, cut, text[cut:])
	require.Equal(t, 204, a.StatusCode, a.Text)
	require.Equal(t, strconv.Itoa(len(text)), a.Header.Get("Upload-Offset"))
	require.Equal(t, text, d.bytesOf(path))

	whole := d.PointEvent("whole")
	direct := d.Post(desktest.EventURL(whole.ID)+"/targets", text, csvType)
	require.Equal(t, 201, direct.StatusCode)
	dry := d.Post(targets+"?dry_run=true&upload="+idOf(path), "")
	require.Equal(t, 200, dry.StatusCode, dry.Text)
	require.Equal(t, len(text), d.offset(path), "a dry run keeps it")
	imported := d.Post(targets+"?upload="+idOf(path), "", "Idempotency-Key: k")
	require.Equal(t, 201, imported.StatusCode, imported.Text)
	require.Zero(t, d.leftovers(), "nothing is stored twice")
	got, want := desktest.Decoded[api.ImportResult](imported), desktest.Decoded[api.ImportResult](direct)
	require.Equal(t, want.Accepted, got.Accepted)
	require.Equal(t, want.TotalAmount, got.TotalAmount)
	const differ = `SELECT count(*) FROM (SELECT member_id, amount FROM point_targets WHERE event_id = $1
		EXCEPT SELECT member_id, amount FROM point_targets WHERE event_id = $2) x`
	require.Zero(t, d.Count(differ, e.ID, whole.ID))
	require.Zero(t, d.Count(differ, whole.ID, e.ID))
	require.Equal(t, 1, d.Count(`SELECT count(DISTINCT (sha256, bytes)) FROM imports`))

	again := d.Post(targets+"?upload="+idOf(path), "", "Idempotency-Key: k")
	require.Equal(t, 201, again.StatusCode, again.Text)
	require.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
	require.Equal(t, imported.Text, again.Text)
	d.Post(targets+"?upload="+idOf(path), "").Refused(404, "not_found")
}

// Of two senders at the same byte one is refused, and the bytes are those of one file.
func TestTwoSenders(t *testing.T) {
	t.Parallel()
	d := setup(t)
	text := list(100_000)
	path := d.begun(len(text))
	answers := make(chan answer, 2)
	for range 2 {
		go func() { answers <- d.piece(path, 0, text) }()
	}
	statuses := map[int]int{}
	for range 2 {
		a := <-answers
		statuses[a.StatusCode]++
		if a.StatusCode != 204 {
			a.Refused(409, domain.UploadMoved)
		}
	}
	require.LessOrEqual(t, statuses[204], 1)
	if at := d.offset(path); at < len(text) { // each took a piece from the other
		require.Equal(t, 204, d.piece(path, at, text[at:]).StatusCode)
	}
	require.Equal(t, text, d.bytesOf(path))
}

// Whoever sends what cannot be used is told so, in the form of every other refusal, and nothing is stored.
func TestRefusedUploads(t *testing.T) {
	t.Parallel()
	d := setup(t)
	csv := metadata("filetype", "text/csv")
	hash := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("0", 64)))
	for name, c := range map[string]struct {
		status  int
		code    string
		headers []string
	}{
		"no version":      {412, api.UnknownProtocol, []string{"Upload-Length: 5", csv}},
		"another version": {412, api.UnknownProtocol, []string{"Tus-Resumable: 0.2.2", "Upload-Length: 5", csv}},
		"no length":       {400, api.BadRequest, []string{tus, csv}},
		"a negative one":  {400, api.BadRequest, []string{tus, "Upload-Length: -1", csv}},
		"no number":       {400, api.BadRequest, []string{tus, "Upload-Length: x", csv}},
		"past int64":      {400, api.BadRequest, []string{tus, "Upload-Length: 99999999999999999999", csv}},
		"a later one":     {400, api.BadRequest, []string{tus, "Upload-Defer-Length: 1", csv}},
		"one of several":  {400, api.BadRequest, []string{tus, "Upload-Length: 5", "Upload-Concat: partial", csv}},
		"joined ones":     {400, api.BadRequest, []string{tus, "Upload-Concat: final;/api/v1/uploads/1 /api/v1/uploads/2", csv}},
		"nothing":         {422, domain.Invalid, []string{tus, "Upload-Length: 0", csv}},
		"too large":       {413, domain.UploadTooLarge, []string{tus, "Upload-Length: 4294967297", csv}},
		"no type":         {415, domain.UnsupportedFile, []string{tus, "Upload-Length: 5"}},
		"another type":    {415, domain.UnsupportedFile, []string{tus, "Upload-Length: 5", metadata("filetype", "text/html")}},
		"no text as type": {415, domain.UnsupportedFile, []string{tus, "Upload-Length: 5", metadata("filetype", "text/csv; x=\x00")}},
		"no text as name": {422, domain.Invalid, []string{tus, "Upload-Length: 5", metadata("filetype", "text/csv", "filename", "a\x00b")}},
		"a bad name":      {422, domain.Invalid, []string{tus, "Upload-Length: 5", metadata("filetype", "text/csv", "filename", "\xff")}},
		"a bad hash":      {422, domain.Invalid, []string{tus, "Upload-Length: 5", metadata("filetype", "text/csv", "sha256", "00")}},
		"no ASCII":        {422, domain.Invalid, []string{tus, "Upload-Length: 5", csv + ",é"}},
		"much metadata":   {422, domain.Invalid, []string{tus, "Upload-Length: 5", csv + "," + strings.Repeat("a", 5000)}},
		"no base64":       {422, domain.Invalid, []string{tus, "Upload-Length: 5", "Upload-Metadata: filetype ***"}},
		"a bare hash":     {422, domain.Invalid, []string{tus, "Upload-Length: 5", csv + ",sha256"}},
		"no padding":      {422, domain.Invalid, []string{tus, "Upload-Length: 5", csv + ",sha256 " + strings.TrimRight(hash, "=")}},
		"two blanks":      {422, domain.Invalid, []string{tus, "Upload-Length: 5", csv + ",sha256  " + hash}},
		"a hash twice":    {422, domain.Invalid, []string{tus, "Upload-Length: 5", csv + ",sha256 " + hash + ",SHA256 " + hash}},
		"no key":          {422, domain.Invalid, []string{tus, "Upload-Length: 5", csv + ","}},
	} {
		a := d.Post(uploadsURL, "", c.headers...)
		require.Equal(t, c.status, a.StatusCode, "%s: %s", name, a.Text)
		a.Refused(c.status, c.code)
		require.Equal(t, "1.0.0", a.Header.Get("Tus-Resumable"), name)
	}
	require.Zero(t, d.leftovers())

	path := d.begun(5)
	d.piece(path, 1, "xx").Refused(409, domain.UploadMoved)
	d.piece(path, 0, "123456").Refused(413, domain.UploadTooLarge)
	d.piece(path, -1, "x").Refused(400, api.BadRequest)
	d.piece(path, 0, "x", "Upload-Offset: 99999999999999999999").Refused(400, api.BadRequest)
	d.piece(path, 0, "x", "Upload-Offset: ").Refused(400, api.BadRequest)
	d.piece(path, 0, "x", "Content-Type: text/csv").Refused(415, api.UnsupportedType)
	d.piece(path, 0, "").Refused(400, api.Malformed)
	d.piece(path, 0, "x", "Tus-Resumable: ").Refused(412, api.UnknownProtocol)
	d.piece(uploadsURL+"/999", 0, "x").Refused(404, "not_found")
	d.piece(uploadsURL+"/0", 0, "x").Refused(404, "not_found")
	d.do(call{"DELETE", path, "", nil}).Refused(412, api.UnknownProtocol)
	require.Zero(t, d.offset(path))
	require.Equal(t, 404, d.do(call{"HEAD", uploadsURL + "/999", "", nil}).StatusCode)
	require.Equal(t, 204, d.piece(path, 0, "abc").StatusCode)
	require.Equal(t, 204, d.piece(path, 3, "de").StatusCode)
	d.piece(path, 5, "f").Refused(413, domain.UploadTooLarge)
	require.Equal(t, "abcde", d.bytesOf(path))

	targets := desktest.EventURL(d.PointEvent("a").ID) + "/targets"
	d.Post(targets, "").Refused(400, api.Malformed)
	d.Post(targets+"?upload="+idOf(path), "member_id\nm1\n", csvType).Refused(400, api.Malformed)
	d.Post(targets+"?upload=0", "").Refused(400, api.BadRequest)
	d.Post(targets+"?upload=999", "").Refused(404, "not_found")
	d.Post("/api/v1/events/999/targets?upload="+idOf(path), "").Refused(404, "not_found")
	d.Post(targets+"?upload="+idOf(path), "").Refused(422, domain.BadFile)
	require.Equal(t, 5, d.offset(path), "a refused import keeps it")
	for range 4 {
		d.begun(5)
	}
	d.Post(uploadsURL, "", tus, "Upload-Length: 5", csv).Refused(409, domain.TooManyUploads)
}

// An upload belongs to its principal: to others it is not there, but an admin may delete it.
func TestUploadsOfOthers(t *testing.T) {
	t.Parallel()
	d := setup(t)
	operator, approver := d.keyOf(domain.Operator), d.keyOf(domain.Approver)
	path := d.begun(5, operator)
	require.Equal(t, 204, d.piece(path, 0, "abc", operator).StatusCode)
	d.piece(path, 3, "de", approver).Refused(404, "not_found")
	d.piece(path, 3, "de").Refused(404, "not_found")
	d.do(call{"DELETE", path, "", []string{tus, approver}}).Refused(404, "not_found")
	require.Equal(t, 404, d.do(call{"HEAD", path, "", []string{approver}}).StatusCode)
	d.Post(desktest.EventURL(d.PointEvent("a").ID)+"/targets?upload="+idOf(path), "", approver).Refused(404, "not_found")
	require.Empty(t, desktest.Decoded[api.Uploads](d.Get(uploadsURL, approver)).Items)
	mine := desktest.Decoded[api.Uploads](d.Get(uploadsURL, operator)).Items
	require.Len(t, mine, 1)
	require.Equal(t, "봄.csv", mine[0].Name)
	require.EqualValues(t, 3, mine[0].Received)
	require.Equal(t, "abc", d.bytesOf(path))
	var owner string
	require.NoError(t, d.Pool.QueryRow(t.Context(), `SELECT owner FROM uploads`).Scan(&owner))
	byAdmin := desktest.Decoded[api.Uploads](d.Get(uploadsURL + "?owner=" + owner)).Items
	require.Equal(t, mine, byAdmin)
	require.Empty(t, desktest.Decoded[api.Uploads](d.Get(uploadsURL)).Items, "of the admin's own there is none")
	require.Empty(t, desktest.Decoded[api.Uploads](d.Get(uploadsURL+"?owner="+owner, approver)).Items)
	d.Get(uploadsURL+"?owner=%00").Refused(400, api.BadRequest)
	require.Equal(t, 204, d.do(call{"DELETE", path, "", []string{tus, "X-Reason: the disk is full"}}).StatusCode)
	require.Zero(t, d.leftovers())
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'upload.delete' AND actor = 'admin'
		AND object = 'upload ' || $1 AND reason = 'the disk is full' AND before->>'owner' = $2
		AND before->>'received' = '3'`, idOf(path), owner))
	own := d.begun(5, operator)
	require.Equal(t, 204, d.do(call{"DELETE", own, "", []string{tus, operator}}).StatusCode)
	own = d.begun(5)
	require.Equal(t, 204, d.do(call{"DELETE", own, "", []string{tus}}).StatusCode)
	d.do(call{"DELETE", own, "", []string{tus}}).Refused(404, "not_found")
	require.Equal(t, 3, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'upload.delete'`))
	require.Equal(t, 2, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'upload.delete' AND actor = before->>'owner'`))
	require.Equal(t, 3, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'upload.create' AND actor = after->>'owner'
		AND after->>'size' = '5'`))
}

// An upload without a byte for 24 hours is not there any more, and is removed with its bytes; one that goes on is not.
func TestUploadsExpire(t *testing.T) {
	t.Parallel()
	d := setup(t)
	old, young := d.begun(5), d.begun(5)
	require.Equal(t, 204, d.piece(old, 0, "abc").StatusCode)
	require.Equal(t, 204, d.piece(young, 0, "abc").StatusCode)
	require.NoError(t, d.App.Uploads.Tidy(t.Context()))
	require.Equal(t, 3, d.offset(old))
	d.SQL(`UPDATE uploads SET expires_at = now() WHERE id = $1::bigint`, idOf(old))
	d.piece(old, 3, "de").Refused(404, "not_found")
	require.NoError(t, d.App.Uploads.Tidy(t.Context()))
	require.Equal(t, 3, d.offset(young))
	require.Equal(t, 2, d.leftovers())
}

// A file whose bytes are not those that its sender hashed is not imported.
func TestUploadIsTheFile(t *testing.T) {
	t.Parallel()
	d := setup(t)
	text := "member_id\nm1\n"
	other := strings.Repeat("0", 64)
	path := d.begun(len(text), metadata("filetype", "text/csv", "sha256", other))
	require.Equal(t, 204, d.piece(path, 0, text).StatusCode)
	d.Post(desktest.EventURL(d.PointEvent("a").ID)+"/targets?upload="+idOf(path), "").Refused(422, domain.BadFile)
	require.Zero(t, d.Count(`SELECT count(*) FROM imports`))
	a := d.do(call{"HEAD", path, "", nil})
	require.Equal(t, strings.TrimPrefix(metadata("filetype", "text/csv", "sha256", other), "Upload-Metadata: "),
		a.Header.Get("Upload-Metadata"))
}

// A piece that stands still is ended, and a listener that stops waits for none; what came is kept (C9).
func TestSlowPieces(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for name, limits := range map[string]web.UploadLimits{"slow": quick, "stopped": patient} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := d.in(t)
			address, stop, ended := d.listen(limits)
			came := strings.Repeat("x", 1<<20) + "abc"
			path := d.begun(2 << 20)
			client := d.dial(address)
			_, err := io.WriteString(client, "PATCH "+path+" HTTP/1.1\r\nHost: x\r\n"+strings.Join([]string{
				keyHeader(desktest.Key), tus, "Upload-Offset: 0", "Content-Type: application/offset+octet-stream",
				fmt.Sprintf("Content-Length: %d", 2<<20),
			}, "\r\n")+"\r\n\r\n"+came)
			require.NoError(t, err)
			require.Eventually(t, func() bool { return d.offset(path) >= 1<<20 }, 20*time.Second, 10*time.Millisecond)
			if name == "stopped" {
				stop()
				client.answer().Refused(503, "unavailable")
			} else {
				p := client.answer().Refused(408, api.RequestTimeout)
				require.Contains(t, p.Hint, "kept")
				stop()
			}
			require.NoError(t, <-ended)
			require.Equal(t, came, d.bytesOf(path))
			require.Equal(t, len(came), d.offset(path))
		})
	}
}

// An operator ends the import of an upload that is under way; the upload is kept.
func TestEndImportOfUpload(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	text := list(200_000)
	path := d.begun(len(text))
	require.Equal(t, 204, d.piece(path, 0, text).StatusCode)
	// the second piece cannot be read until the test lets it
	gate, err := d.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = gate.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = gate.Exec(t.Context(), `LOCK TABLE upload_pieces IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	answers := make(chan answer, 1)
	go func() { answers <- d.Post(desktest.EventURL(e.ID)+"/targets?upload="+idOf(path), "") }()
	d.AwaitLock()
	require.Equal(t, 204, d.do(call{"DELETE", desktest.EventURL(e.ID) + "/imports/running", "", nil}).StatusCode)
	(<-answers).Refused(409, "upload_ended") // while the piece still cannot be read
	require.NoError(t, gate.Rollback(t.Context()))
	require.Zero(t, d.Count(`SELECT count(*) FROM imports`))
	require.Equal(t, len(text), d.offset(path))
	require.Equal(t, 201, d.Post(desktest.EventURL(e.ID)+"/targets?upload="+idOf(path), "").StatusCode)
}

// What is spoken of the protocol can be asked for.
func TestUploadOptions(t *testing.T) {
	t.Parallel()
	d := setup(t)
	a := d.do(call{"OPTIONS", uploadsURL, "", nil})
	require.Equal(t, 204, a.StatusCode, a.Text)
	require.Equal(t, "1.0.0", a.Header.Get("Tus-Version"))
	require.Equal(t, "creation,expiration,termination", a.Header.Get("Tus-Extension"))
	require.Equal(t, "4294967296", a.Header.Get("Tus-Max-Size"))
}
