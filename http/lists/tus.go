package lists

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"bestow/app/command"
	"bestow/app/uploads"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/tus/tusd/v2/pkg/handler"
	"golang.org/x/exp/slog" // tusd's
)

// exchange is one request of the tus protocol. tusd's handler works it, with the exchange as its store: so the store
// knows whose request it is, and keeps the errors that tusd would make text of.
type exchange struct {
	uploads *uploads.Uploads
	owner   string
	by      command.Caller // of a creation
	id      int64          // 0 for a creation
	sent    string         // Upload-Metadata
	body    *sender        // nil for none
	length  int64          // of the body; -1 if it is not known
	upload  uploads.Upload // as it is after the request
	err     error          // of the store
	status  int            // of tusd's answer
	header  http.Header    // of tusd's answer
	text    bytes.Buffer   // of tusd's answer
}

// sender reads the body of a piece and keeps why no more comes, which tusd does not tell.
type sender struct {
	*web.Upload

	read int64 // bytes of it
	err  error
}

// Read reads on.
func (s *sender) Read(p []byte) (int, error) {
	n, err := s.Upload.Read(p)
	s.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) && s.err == nil {
		s.err = err
	}
	return n, err
}

// refusal tells why no more came, and that what came is kept.
func (s *sender) refusal() error {
	broken, ok := errors.AsType[*web.UploadError](s.err)
	if !ok {
		return s.err
	}
	e := broken.Explain()
	e.Hint = "what came of it is kept: HEAD /uploads/{upload_id} says where it goes on"
	return e
}

// errWithoutReader is for tusd's routes that are not used.
var errWithoutReader = errors.New("an upload is not downloaded")

// work lets one of tusd's routes work the exchange. header has what a client may say: of all else, such as
// X-HTTP-Method-Override, tusd knows nothing. A piece outlives its connection, so that what came of
// it before that broke is stored.
func (x *exchange) work(
	ctx context.Context, method string, route func(*handler.UnroutedHandler) http.HandlerFunc, header http.Header,
) error {
	if x.body != nil {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tus, err := handler.NewUnroutedHandler(handler.Config{
		StoreComposer: &handler.StoreComposer{Core: x}, BasePath: web.Prefix + "/uploads/", MaxSize: uploads.MaxSize,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), GracefulRequestCompletionTimeout: 1,
	})
	if err != nil {
		return fmt.Errorf("speak tus: %w", err)
	}
	request := &http.Request{
		Method: method, URL: &url.URL{Path: strconv.FormatInt(x.id, 10)}, Header: header, ContentLength: x.length,
	}
	if x.body != nil {
		request.Body = io.NopCloser(x.body)
	}
	x.header = http.Header{}
	route(tus)(answerOf{x}, request.WithContext(ctx))
	if x.status >= http.StatusBadRequest {
		return x.refusal()
	}
	if x.body != nil && x.upload.Whole() && x.body.goesOn(x.body.read) { // tusd passes over what comes behind the end
		return domain.UploadTooLargeError(x.upload.Size)
	}
	return nil
}

// goesOn reports whether the body has more than so many bytes, which were read.
func (s *sender) goesOn(behind int64) bool {
	if s.read > behind { // tusd reads one more than it hands on
		return true
	}
	n, _ := io.ReadFull(s, make([]byte, 1))
	return n > 0
}

// refusal returns why tusd refused the request: the store's own error, that of the client's connection, or what tusd's
// code stands for.
func (x *exchange) refusal() error {
	if x.err != nil {
		return x.err
	}
	if x.body != nil && x.body.err != nil {
		return x.body.refusal()
	}
	code, _, _ := strings.Cut(x.text.String(), ":")
	switch code {
	case handler.ErrInvalidUploadLength.ErrorCode, handler.ErrUploadLengthAndUploadDeferLength.ErrorCode,
		handler.ErrInvalidUploadDeferLength.ErrorCode, handler.ErrNotImplemented.ErrorCode:
		return api.BadParameterError(domain.Field{
			Name: "header.Upload-Length", Message: "must be the bytes of the whole file; Upload-Defer-Length is not taken",
		})
	case handler.ErrInvalidOffset.ErrorCode:
		return api.BadParameterError(domain.Field{
			Name: "header.Upload-Offset", Message: "must be the number of bytes that have come before the body",
		})
	case handler.ErrInvalidContentType.ErrorCode:
		return api.UnsupportedTypeError("the body's Content-Type is not taken here", "send "+pieceType)
	case handler.ErrMismatchOffset.ErrorCode:
		return domain.UploadMovedError(x.upload.ID, x.upload.Received)
	case handler.ErrMaxSizeExceeded.ErrorCode:
		return domain.UploadTooLargeError(uploads.MaxSize)
	case handler.ErrSizeExceeded.ErrorCode:
		return domain.UploadTooLargeError(x.upload.Size)
	}
	return fmt.Errorf("speak tus: status %d: %s", x.status, x.text.String())
}

// readMetadata returns the pairs of Upload-Metadata, by the protocol: keys that are not empty and stand once, each with
// a blank and a value in Base64, or with nothing. tusd passes over what it cannot read: a list whose sha256 it did not
// read would be imported without a comparison. It returns the keys in small letters. Error: domain.Invalid.
func readMetadata(header string) (map[string]string, error) {
	pairs := map[string]string{}
	if strings.Trim(header, " ") == "" {
		return pairs, nil
	}
	for pair := range strings.SplitSeq(header, ",") {
		key, coded, _ := strings.Cut(strings.Trim(pair, " "), " ")
		value, err := base64.StdEncoding.Strict().DecodeString(coded)
		switch _, twice := pairs[strings.ToLower(key)]; {
		case err != nil:
			return nil, badMetadata(fmt.Sprintf("the value of %.50q must be Base64, after one blank", key))
		case key == "":
			return nil, badMetadata("a pair has no key")
		case twice:
			return nil, badMetadata(fmt.Sprintf("has the key %.50q twice", key))
		}
		pairs[strings.ToLower(key)] = string(value)
	}
	return pairs, nil
}

func badMetadata(why string) error {
	return domain.InvalidError("the upload cannot be made", "correct what is named",
		domain.Field{Name: "header.Upload-Metadata", Message: why})
}

// NewUpload begins the upload that Upload-Length and Upload-Metadata describe.
func (x *exchange) NewUpload(ctx context.Context, info handler.FileInfo) (handler.Upload, error) {
	said, err := readMetadata(x.sent)
	if err != nil {
		x.err = err
		return nil, err
	}
	u := uploads.Upload{
		Size: info.Size, ContentType: said["filetype"], Name: said["filename"], Metadata: x.sent,
	}
	if hash, given := said["sha256"]; given {
		if u.SHA256, err = hex.DecodeString(hash); err != nil || len(u.SHA256) != sha256.Size {
			x.err = badMetadata("sha256 must be 64 hex digits")
			return nil, x.err
		}
	}
	x.upload, x.err = x.uploads.Create(ctx, x.by, u)
	return x, x.err
}

// GetUpload finds the upload of the request's path.
func (x *exchange) GetUpload(ctx context.Context, _ string) (handler.Upload, error) {
	ctx, cancel := context.WithTimeout(ctx, web.RequestTimeout)
	defer cancel()
	x.upload, x.err = x.uploads.Find(ctx, x.owner, x.id)
	return x, x.err
}

// GetInfo tells what has come.
func (x *exchange) GetInfo(context.Context) (handler.FileInfo, error) {
	return handler.FileInfo{
		ID: strconv.FormatInt(x.upload.ID, 10), Size: x.upload.Size, Offset: x.upload.Received,
	}, nil
}

// WriteChunk stores what comes, in pieces; the last one may be short. It needs the memory of one piece. A piece that
// would end the upload is not stored if the body goes on: its sender has named too small a size, and the list would be
// cut.
func (x *exchange) WriteChunk(ctx context.Context, at int64, body io.Reader) (written int64, err error) {
	piece := make([]byte, uploads.Piece)
	for {
		n, readErr := io.ReadFull(body, piece)
		if came := written + int64(n); at+came == x.upload.Size && x.body.goesOn(came) {
			x.err = domain.UploadTooLargeError(x.upload.Size)
			return written, x.err
		}
		if n > 0 {
			u, err := x.store(ctx, at+written, piece[:n])
			if err != nil {
				x.err = err
				return written, err
			}
			x.upload, written = u, written+int64(n)
		}
		if readErr != nil {
			return written, nil //nolint:nilerr // io.EOF, or tusd's reader has noted why no more comes
		}
	}
}

func (x *exchange) store(ctx context.Context, at int64, piece []byte) (uploads.Upload, error) {
	ctx, cancel := context.WithTimeout(ctx, web.RequestTimeout)
	defer cancel()
	return x.uploads.Append(ctx, x.owner, x.id, at, piece)
}

// GetReader is for a route that bestow does not have.
func (*exchange) GetReader(context.Context) (io.ReadCloser, error) { return nil, errWithoutReader }

// FinishUpload has nothing to do: the last piece has finished the upload.
func (*exchange) FinishUpload(context.Context) error { return nil }

// answerOf keeps tusd's answer, from which the route makes its own. It lets tusd set no deadlines: the body has some.
type answerOf struct{ x *exchange }

// Header returns the header of the answer.
func (a answerOf) Header() http.Header { return a.x.header }

// WriteHeader keeps the status.
func (a answerOf) WriteHeader(status int) { a.x.status = status }

// Write keeps the text.
func (a answerOf) Write(p []byte) (int, error) { return a.x.text.Write(p) }
