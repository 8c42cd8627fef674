package drafts_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"bestow/domain"
	"bestow/internal/consoletest"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

const pieces = "/console/uploads"

// tus sends a request of the tus protocol as the script of a page does.
func tus(b *consoletest.Browser, method, path, body string, headers ...string) consoletest.Page {
	b.Helper()
	before := b.Headers
	defer func() { b.Headers = before }()
	b.Headers = map[string]string{
		"Accept": "application/json", "Sec-Fetch-Site": before["Sec-Fetch-Site"], "Tus-Resumable": "1.0.0",
		"Content-Type": "application/offset+octet-stream",
	}
	for i := 0; i < len(headers); i += 2 {
		b.Headers[headers[i]] = headers[i+1]
	}
	return b.Send(method, path, body)
}

// inPieces sends a file in two pieces, and returns the number of the upload.
func inPieces(b *consoletest.Browser, name, file string) string {
	b.Helper()
	code := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	p := tus(b, http.MethodPost, pieces, "", "Upload-Length", fmt.Sprint(len(file)),
		"Upload-Metadata", "filetype "+code("application/vnd.ms-excel")+",filename "+code(name))
	require.Equal(b, 201, p.StatusCode, p.Text)
	location := p.Header.Get("Location")
	id := location[strings.LastIndex(location, "/")+1:]
	half := len(file) / 2
	require.Equal(b, 204, tus(b, http.MethodPatch, pieces+"/"+id, file[:half], "Upload-Offset", "0").StatusCode)
	p = tus(b, http.MethodHead, pieces+"/"+id, "")
	require.Equal(b, fmt.Sprint(half), p.Header.Get("Upload-Offset"))
	p = tus(b, http.MethodPatch, pieces+"/"+id, file[half:], "Upload-Offset", fmt.Sprint(half))
	require.Equal(b, 204, p.StatusCode)
	return id
}

// finish sends the form of a page of lists, with an upload in place of a file.
func finish(b *consoletest.Browser, path, once, upload string) consoletest.Page {
	b.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(b, form.WriteField("once", once))
	require.NoError(b, form.WriteField("upload", upload))
	require.NoError(b, form.Close())
	b.Headers["Content-Type"] = form.FormDataContentType()
	defer delete(b.Headers, "Content-Type")
	return b.Send(http.MethodPost, path, body.String())
}

// A list that comes in pieces, from a session or from the key of a development, ends as one that comes whole does.
func TestAListInPieces(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	list := fmt.Sprintf("/console/campaigns/%d/list", e.ID)
	b := d.SignedIn(domain.Operator)
	require.Contains(t, b.Get(list).Text, `data-uploads="/console/uploads"`)
	id := inPieces(b, "봄.csv", "member_id,amount\nm1,1000\nm2,x\n")
	for range 2 {
		b.Led(finish(b, list, "once", id), list+"?done=imported")
	}
	for _, want := range []string{"봄.csv", "accepted 1 · rejected 1", "m2,x"} {
		require.Contains(t, b.Get(list).Text, want)
	}
	require.Zero(t, d.Count(`SELECT count(*) FROM uploads`))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM imports WHERE created_by = 'a-operator'`))
	p := finish(b, list, "another", id)
	require.Equal(t, 422, p.StatusCode)
	require.Contains(t, p.Text, "choose the file again")
	require.Equal(t, 422, finish(b, list, "none", "none").StatusCode)

	key := d.Browser()
	key.Led(key.Post("/console/sign-in", "key", desktest.Key), "/console")
	key.Led(finish(key, list, "key", inPieces(key, "key.csv", "member_id,amount\nm3,1000\n")), list+"?done=imported")
}

// A file that cannot be imported makes place for the corrected one; one that may be imported later stays.
func TestRefusedPieces(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	list := fmt.Sprintf("/console/campaigns/%d/list", e.ID)
	b := d.SignedIn(domain.Operator)
	for range 6 { // one more than a person may have
		p := finish(b, list, "bad", inPieces(b, "bad.csv", "member_id,amount\nm1,x\n"))
		require.Equal(t, 422, p.StatusCode)
		require.Contains(t, p.Text, "m1,x")
	}
	p := finish(b, list, "xls", inPieces(b, "old.csv", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"))
	require.Equal(t, 415, p.StatusCode)
	require.Contains(t, p.Text, "Old .xls files are not read")
	require.Zero(t, d.Count(`SELECT count(*) FROM uploads`))

	id := inPieces(b, "good.csv", "member_id,amount\nm1,1000\n")
	other := d.SignedIn(domain.Approver)
	require.Equal(t, 422, finish(other, list, "theirs", id).StatusCode, "of another person")
	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING' WHERE id = $1`, e.ID)
	require.Equal(t, 409, finish(b, list, "late", id).StatusCode)
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM uploads WHERE id = $1`, id), "it stays")
}

// Pieces come only from a person who may change campaigns, on a page of this console.
func TestPiecesOfOthers(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Operator)
	id := inPieces(b, "a.csv", "member_id,amount\nm1,1000\n")
	b.Headers["Sec-Fetch-Site"] = "cross-site"
	for _, method := range []string{http.MethodPatch, http.MethodDelete} {
		require.Equal(t, 403, tus(b, method, pieces+"/"+id, "").StatusCode)
	}
	b.Headers["Sec-Fetch-Site"] = "same-origin"
	v := d.SignedIn(domain.Viewer)
	require.Equal(t, 403, tus(v, http.MethodPost, pieces, "", "Upload-Length", "1").StatusCode)
	require.Equal(t, 403, tus(v, http.MethodHead, pieces+"/"+id, "").StatusCode)
	require.Equal(t, 401, tus(d.Browser(), http.MethodHead, pieces+"/"+id, "").StatusCode)
	require.Equal(t, 404, tus(d.SignedIn(domain.Approver), http.MethodDelete, pieces+"/"+id, "").StatusCode)
	require.Equal(t, 204, tus(b, http.MethodDelete, pieces+"/"+id, "").StatusCode)
	require.Zero(t, d.Count(`SELECT count(*) FROM uploads`))
}
