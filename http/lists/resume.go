package lists

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"bestow/app/uploads"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"
	"bestow/internal/places"

	"github.com/danielgtaylor/huma/v2"
	"github.com/tus/tusd/v2/pkg/handler"
	"golang.org/x/text/unicode/norm"
)

const (
	// tusVersion is the version of the tus protocol that is spoken.
	tusVersion = "1.0.0"
	// tusExtensions are the extensions of it.
	tusExtensions = "creation,expiration,termination"
	// pieceType is the Content-Type of a piece.
	pieceType = "application/offset+octet-stream"
	// maxPieces is the most pieces that a process receives at a time; each needs the memory of [uploads.Piece].
	maxPieces = 16
	// maxPiecesEach is the most of them of one principal, so that one with slow connections does not take all: one for
	// each upload that it may have.
	maxPiecesEach = uploads.MaxOpen
)

var pieceLimits = places.Limits{All: maxPieces, Each: maxPiecesEach}

// takePlace takes a place for a piece of the owner. Error: domain.Unavailable.
func (h *Handlers) takePlace(ctx context.Context, owner string) (leave func(), err error) {
	leave, err = h.pieces.Take(ctx, owner, places.Wait{})
	const hint = "go on in a minute: HEAD says where"
	switch {
	case errors.Is(err, places.ErrShare):
		err = domain.UnavailableError(fmt.Sprintf("%d of your uploads are being received", maxPiecesEach), hint)
	case errors.Is(err, places.ErrFull):
		err = domain.UnavailableError("too many uploads are being received", hint)
	}
	return leave, err
}

// Tus holds what every request of the protocol says.
type Tus struct {
	Version string `header:"Tus-Resumable" doc:"the version of the tus protocol: 1.0.0; required but for HEAD"`
}

// check refuses another version of the protocol.
func (t Tus) check() error {
	if t.Version == tusVersion {
		return nil
	}
	return api.UnknownProtocolError("Tus-Resumable is missing or names a version that is not spoken here",
		"send Tus-Resumable: "+tusVersion)
}

// tell adds what every answer of the protocol says to a refusal.
func (h *Handlers) tell(ctx context.Context, err error) error {
	p := h.api.Problem(ctx, err)
	p.GetHeaders().Set("Tus-Resumable", tusVersion)
	if p.Code == api.UnknownProtocol {
		p.GetHeaders().Set("Tus-Version", tusVersion)
	}
	return p
}

// TusOut is an answer of the protocol, which has no body.
type TusOut struct {
	Status   int
	Version  string `header:"Tus-Resumable"`
	Location string `header:"Location"`
	Offset   string `header:"Upload-Offset"`
	Length   string `header:"Upload-Length"`
	Metadata string `header:"Upload-Metadata"`
	Expires  string `header:"Upload-Expires"`
}

func tusOut(status int, u uploads.Upload) *TusOut {
	return &TusOut{
		Status: status, Version: tusVersion, Offset: strconv.FormatInt(u.Received, 10),
		Expires: u.ExpiresAt.UTC().Format(http.TimeFormat),
	}
}

// TusOptionsOut says what is spoken of the protocol.
type TusOptionsOut struct {
	Resumable  string `header:"Tus-Resumable"`
	Versions   string `header:"Tus-Version"`
	Extensions string `header:"Tus-Extension"`
	MaxSize    string `header:"Tus-Max-Size"`
}

// UploadOptions answers with what is spoken of the protocol.
func (*Handlers) UploadOptions(context.Context, *struct{}) (*TusOptionsOut, error) {
	return &TusOptionsOut{
		Resumable: tusVersion, Versions: tusVersion, Extensions: tusExtensions, MaxSize: strconv.Itoa(uploads.MaxSize),
	}, nil
}

// CreateUploadIn is a request to begin an upload.
type CreateUploadIn struct {
	Tus

	Length   string `header:"Upload-Length" doc:"the bytes of the whole file, at most 4 GiB"`
	Defer    string `header:"Upload-Defer-Length" doc:"is refused: the length must be known"`
	Concat   string `header:"Upload-Concat" doc:"is refused: uploads are not joined"`
	Metadata string `header:"Upload-Metadata" doc:"filetype: text/csv, application/x-ndjson or that of a spreadsheet, required; filename; sha256: of the whole file in hex, which the import compares. Each with its value in Base64, as in: filetype dGV4dC9jc3Y="`
}

// DescribeCreateUpload describes the route of CreateUpload.
func (*Handlers) DescribeCreateUpload(o *huma.Operation) {
	o.Description = "By the tus protocol 1.0.0 (tus.io). The answer's Location takes the pieces, by PATCH; " +
		"POST /events/{id}/targets?upload=ID imports the upload. " +
		"At most five a principal; one that gets no byte for 24 hours expires."
}

// CreateUpload begins an upload.
func (h *Handlers) CreateUpload(ctx context.Context, in *CreateUploadIn) (*TusOut, error) {
	x := &exchange{uploads: h.uploads, owner: web.Actor(ctx), by: web.CallerOf(ctx), sent: in.Metadata}
	header := http.Header{}
	for name, value := range map[string]string{
		"Upload-Length": in.Length, "Upload-Defer-Length": in.Defer, "Upload-Metadata": in.Metadata,
	} {
		if value != "" {
			header.Set(name, value)
		}
	}
	err := in.check()
	if err == nil && in.Concat != "" {
		err = api.BadParameterError(domain.Field{
			Name: "header.Upload-Concat", Message: "is not taken: send the whole file as one upload",
		})
	}
	if err == nil {
		err = x.work(ctx, http.MethodPost,
			func(tus *handler.UnroutedHandler) http.HandlerFunc { return tus.PostFile }, header)
	}
	if err != nil {
		return nil, h.tell(ctx, err)
	}
	out := tusOut(http.StatusCreated, x.upload)
	out.Location = web.Prefix + "/uploads/" + strconv.FormatInt(x.upload.ID, 10)
	return out, nil
}

// UploadIn is a request about one upload.
type UploadIn struct {
	Tus

	ID int64 `path:"upload_id" minimum:"1"`
}

// ShowUpload answers with how much of an upload has come.
func (h *Handlers) ShowUpload(ctx context.Context, in *UploadIn) (*TusOut, error) {
	x := &exchange{uploads: h.uploads, owner: web.Actor(ctx), id: in.ID}
	err := x.work(ctx, http.MethodHead,
		func(tus *handler.UnroutedHandler) http.HandlerFunc { return tus.HeadFile }, http.Header{})
	if err != nil {
		return nil, h.tell(ctx, err)
	}
	out := tusOut(http.StatusOK, x.upload)
	out.Length, out.Metadata = strconv.FormatInt(x.upload.Size, 10), x.upload.Metadata
	return out, nil
}

// PieceIn is a request with a piece of an upload.
type PieceIn struct {
	UploadIn

	Offset string `header:"Upload-Offset" doc:"how many bytes have come before the body, as HEAD says it"`

	body   *web.Upload
	length int64
}

// Resolve takes the body as a stream; huma would read all of it.
func (in *PieceIn) Resolve(ctx huma.Context) []error {
	in.body = web.NewUpload(ctx.BodyReader(), ctx.SetReadDeadline)
	in.length = -1
	if n, err := strconv.ParseInt(ctx.Header("Content-Length"), 10, 64); err == nil {
		in.length = n
	}
	return nil
}

// DescribePiece describes the route of Piece.
func (*Handlers) DescribePiece(o *huma.Operation) {
	o.Description = "What has come is kept, also if the connection breaks: HEAD then says where the upload goes on. " +
		"Of two senders at the same byte one is refused (409 `upload_moved`)."
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		pieceType: {Schema: &huma.Schema{Type: "string", Format: "binary"}},
	}}
}

// Piece adds a piece to an upload while it comes in.
func (h *Handlers) Piece(ctx context.Context, in *PieceIn) (*TusOut, error) {
	x := &exchange{
		uploads: h.uploads, owner: web.Actor(ctx), id: in.ID, body: &sender{Upload: in.body}, length: in.length,
	}
	err := in.check()
	if err == nil {
		err = h.receive(ctx, x, in.Offset)
	}
	if err != nil {
		return nil, h.tell(ctx, err)
	}
	return tusOut(http.StatusNoContent, x.upload), nil
}

func (h *Handlers) receive(ctx context.Context, x *exchange, offset string) error {
	leave, err := h.takePlace(ctx, x.owner)
	if err != nil {
		return err
	}
	defer leave()
	x.body.Limits = h.limits
	defer x.body.EndWhen(web.Stopping(ctx))()
	return x.work(ctx, http.MethodPatch,
		func(tus *handler.UnroutedHandler) http.HandlerFunc { return tus.PatchFile },
		http.Header{"Content-Type": {pieceType}, "Upload-Offset": {offset}})
}

// DeleteUploadIn is a request to delete an upload.
type DeleteUploadIn struct {
	web.Because
	UploadIn
}

// DeleteUpload removes an upload of the caller, or any if an admin asks.
func (h *Handlers) DeleteUpload(ctx context.Context, in *DeleteUploadIn) (*TusOut, error) {
	if err := in.check(); err != nil {
		return nil, h.tell(ctx, err)
	}
	if err := h.uploads.Delete(ctx, in.Caller(ctx), isAdmin(ctx), in.ID); err != nil {
		return nil, h.tell(ctx, err)
	}
	return &TusOut{Status: http.StatusNoContent, Version: tusVersion}, nil
}

// UploadsOut is an answer with the caller's uploads.
type UploadsOut struct{ Body api.Uploads }

func isAdmin(ctx context.Context) bool { return web.Principal(ctx).Role == domain.Admin }

// ListUploadsIn is a request for the uploads of one principal.
type ListUploadsIn struct {
	Owner string `query:"owner" maxLength:"50" doc:"the uploads of this person or service; an admin may ask for any. Default: yours"`
}

// ListUploads answers with the uploads of the caller, or of another if an admin asks. To anyone else another has none.
func (h *Handlers) ListUploads(ctx context.Context, in *ListUploadsIn) (*UploadsOut, error) {
	if err := web.CheckText("owner", in.Owner); err != nil {
		return nil, err
	}
	owner := cmp.Or(norm.NFC.String(in.Owner), web.Actor(ctx))
	if owner != web.Actor(ctx) && !isAdmin(ctx) {
		return &UploadsOut{Body: api.Uploads{Items: []api.Upload{}}}, nil
	}
	all, err := h.uploads.List(ctx, owner)
	if err != nil {
		return nil, err
	}
	out := &UploadsOut{Body: api.Uploads{Items: make([]api.Upload, len(all))}}
	for i, u := range all {
		out.Body.Items[i] = wireUpload(u)
	}
	return out, nil
}

func wireUpload(u uploads.Upload) api.Upload {
	w := api.Upload{
		UploadID: u.ID, Size: u.Size, Received: u.Received, ContentType: u.ContentType, Name: u.Name,
		CreatedAt: u.CreatedAt.UTC().Truncate(time.Microsecond), ExpiresAt: u.ExpiresAt.UTC(),
	}
	if u.SHA256 != nil {
		said := hex.EncodeToString(u.SHA256)
		w.SHA256 = &said
	}
	return w
}
