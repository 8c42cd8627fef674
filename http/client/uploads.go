package client

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"time"

	"bestow/domain"
	"bestow/http/api"
)

const (
	// pieceBytes is the most bytes of one request with a piece.
	pieceBytes = 32 << 20
	// resumeTries is how often in a row a piece is tried of which not a byte arrives, with waits of up to resumeWait.
	resumeTries = 8
	resumeWait  = 15 * time.Second
	// maxFileName is the most characters of a name that the service keeps.
	maxFileName = 255
)

// File is a member list that can be read from any byte.
type File struct {
	Body        io.ReaderAt
	Size        int64
	Name        string
	SHA256      []byte // of all bytes
	ContentType string
}

// Uploads lists the caller's uploads that are not imported yet, newest first.
func (c *Client) Uploads(ctx context.Context) (api.Uploads, error) {
	var list api.Uploads
	return list, c.call(ctx, request{method: http.MethodGet, path: "/uploads"}, &list)
}

// DeleteUpload deletes an upload. Error: domain.NotFound.
func (c *Client) DeleteUpload(ctx context.Context, id int64) error {
	res, err := c.tus(ctx, http.MethodDelete, uploadPath(id), http.Header{}, nil, 0)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// Resume returns the upload of f that broke off, or begins one. Errors: domain.UploadTooLarge, TooManyUploads,
// UploadsFull.
func (c *Client) Resume(ctx context.Context, f File) (api.Upload, error) {
	list, err := c.Uploads(ctx)
	if err != nil {
		return api.Upload{}, err
	}
	sum := hex.EncodeToString(f.SHA256)
	for _, u := range list.Items {
		if u.SHA256 != nil && *u.SHA256 == sum && u.Size == f.Size && u.ContentType == f.ContentType {
			return u, nil
		}
	}
	encoded := func(name, value string) string {
		return name + " " + base64.StdEncoding.EncodeToString([]byte(value))
	}
	header := http.Header{}
	header.Set("Upload-Length", strconv.FormatInt(f.Size, 10))
	metadata := encoded("filetype", f.ContentType) + "," + encoded("sha256", sum)
	if domain.CheckText(f.Name, maxFileName) == "" { // a list is not refused for the name of its file
		metadata += "," + encoded("filename", f.Name)
	}
	header.Set("Upload-Metadata", metadata)
	res, err := c.tus(ctx, http.MethodPost, "/uploads", header, nil, 0)
	if err != nil {
		return api.Upload{}, err
	}
	defer func() { _ = res.Body.Close() }()
	id, err := strconv.ParseInt(path.Base(res.Header.Get("Location")), 10, 64)
	if err != nil {
		return api.Upload{}, fmt.Errorf("read answer: %w", err)
	}
	return api.Upload{UploadID: id, Size: f.Size, ContentType: f.ContentType, Name: f.Name, SHA256: &sum}, nil
}

// errStandsStill is the failure of a piece that was taken and moved nothing.
var errStandsStill = errors.New("the upload does not go on, though each piece is taken")

// SendRest sends what u lacks of f, in pieces. If a connection breaks it asks where the upload goes on, and goes on
// there; it gives up if several tries in a row bring nothing. read wraps each piece as it is sent.
func (c *Client) SendRest(ctx context.Context, f File, u api.Upload, read func(io.Reader, int64) io.Reader) error {
	at, failed := u.Received, 0
	for at < f.Size {
		next, err := c.sendPiece(ctx, f, u.UploadID, at, read)
		if err == nil {
			at, failed = next, 0
			continue
		}
		if ctx.Err() != nil || !goesOn(err) {
			return err
		}
		if failed++; failed == resumeTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(resumeWait, backoff<<failed)):
		}
		if next, asked := c.offset(ctx, u.UploadID); asked == nil {
			if next > at {
				failed = 0
			}
			at = next
		} else if !goesOn(asked) {
			return asked
		}
	}
	return nil
}

// goesOn reports whether a piece that failed may be sent from where the upload stands: the connection broke, the server
// was busy or slow, or another sender of the same file was faster.
func goesOn(err error) bool {
	e, told := errors.AsType[*domain.Error](err)
	if !told {
		return true
	}
	switch e.Code {
	case domain.Unavailable, domain.UploadMoved, api.RequestTimeout, api.TooManyRequests, api.Malformed, api.Internal:
		return true
	}
	return false
}

func (c *Client) sendPiece(
	ctx context.Context, f File, id, at int64, read func(io.Reader, int64) io.Reader,
) (next int64, err error) {
	size := min(pieceBytes, f.Size-at)
	header := http.Header{}
	header.Set("Upload-Offset", strconv.FormatInt(at, 10))
	header.Set("Content-Type", "application/offset+octet-stream")
	header.Set("Expect", "100-continue")
	res, err := c.tus(ctx, http.MethodPatch, uploadPath(id), header, read(io.NewSectionReader(f.Body, at, size), at), size)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	if next, err = readOffset(res); err == nil && next <= at {
		err = errStandsStill
	}
	return next, err
}

// offset asks where an upload goes on.
func (c *Client) offset(ctx context.Context, id int64) (int64, error) {
	res, err := c.tus(ctx, http.MethodHead, uploadPath(id), http.Header{}, nil, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	return readOffset(res)
}

func readOffset(res *http.Response) (int64, error) {
	at, err := strconv.ParseInt(res.Header.Get("Upload-Offset"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	return at, nil
}

func (c *Client) tus(
	ctx context.Context, method, path string, header http.Header, body io.Reader, size int64,
) (*http.Response, error) {
	header.Set("Tus-Resumable", "1.0.0")
	return c.send(ctx, request{method: method, path: path, size: size}, header, body)
}

func uploadPath(id int64) string { return "/uploads/" + strconv.FormatInt(id, 10) }

// ImportUpload imports an upload that is whole, as ImportTargets does with a body. Of u it takes Sheet, Abort and
// DryRun. Errors as of ImportTargets, and domain.UploadIncomplete.
func (c *Client) ImportUpload(ctx context.Context, eventID, id int64, u Upload) (api.ImportResult, error) {
	q := u.query()
	q.Set("upload", strconv.FormatInt(id, 10))
	return c.importTargets(ctx, eventID, q, http.Header{}, Upload{DryRun: u.DryRun})
}
