package lists

import (
	"context"
	"encoding/hex"
	"net/http"
	"strconv"

	"bestow/app/imports"
	"bestow/app/sheet"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/text/unicode/norm"
)

// ImportIn is a request to import a member list.
type ImportIn struct {
	web.Idempotent

	ID       int64  `path:"id" minimum:"1"`
	OnReject string `query:"on_reject" enum:"skip,abort" default:"skip" doc:"what a rejected row does to the others"`
	FileName string `query:"file_name" maxLength:"255" doc:"the name of the file, for people"`
	Sheet    string `query:"sheet" maxLength:"31" doc:"of a spreadsheet: the sheet with the list; without it the first one"`
	Upload   int64  `query:"upload" minimum:"1" doc:"the list is this upload of yours, and the request has no body; it is deleted with the import, and kept by a dry run or a refusal"`
	DryRun   bool   `query:"dry_run" doc:"count and check only; nothing is kept"`

	body        *web.Upload
	contentType string
	empty       bool // the request has no body
}

// Resolve takes the body as a stream; huma would read all of it.
func (in *ImportIn) Resolve(ctx huma.Context) []error {
	in.contentType = ctx.Header("Content-Type")
	in.empty = ctx.BodyReader() == http.NoBody
	in.body = web.NewUpload(ctx.BodyReader(), ctx.SetReadDeadline)
	return in.Idempotent.Resolve(ctx)
}

// DescribeImport describes the route of Import.
func (*Handlers) DescribeImport(o *huma.Operation) {
	o.Description = "CSV with the header `member_id,amount,reason` (amount and reason may be absent or empty), " +
		"one JSON object a line, or a spreadsheet (.xlsx) with the same columns. " +
		"The body is read as a stream, up to ten million rows. " +
		"Of application/vnd.ms-excel, which browsers say of a .csv file, the first bytes show what it is. " +
		"A list that came in pieces (POST /uploads) is named by `upload` instead. " +
		"All or nothing, but for the rejected rows."
	text := &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
	o.RequestBody = &huma.RequestBody{
		Content: map[string]*huma.MediaType{
			"text/csv": text, "application/x-ndjson": text, sheet.MediaType: text, imports.Guessed: text,
		},
	}
}

// ImportOut is the answer of an import.
type ImportOut struct {
	Status   int
	Location string `header:"Location"`
	Replayed string `header:"Idempotency-Replayed"`
	Body     api.ImportResult
}

func rejectedURL(eventID, importID int64) *string {
	u := web.EventURL(eventID) + "/imports/" + strconv.FormatInt(importID, 10) + "/rejected"
	return &u
}

// Import imports a member list while it comes in. It leaves the body out of the fingerprint: the use case adds what it
// has read.
func (h *Handlers) Import(ctx context.Context, in *ImportIn) (*ImportOut, error) {
	name := norm.NFC.String(in.FileName)
	if why := domain.CheckText(name, imports.MaxFileName); why != "" {
		return nil, api.BadQueryError(domain.Field{Name: "query.file_name", Message: why})
	}
	by := in.Caller(ctx, nil)
	u := imports.Upload{FileName: name, Sheet: in.Sheet, DryRun: in.DryRun, Ending: web.Stopping(ctx)}
	if in.OnReject == "abort" {
		u.OnReject = imports.Abort
	}
	switch {
	case in.Upload > 0 && !in.empty:
		return nil, api.MalformedError("the import of an upload has no body", "send the body, or name the upload, not both")
	case in.Upload > 0:
		u.Stored = h.uploads.Stored(by.Actor, in.Upload)
	case in.empty:
		return nil, api.MalformedError("the request has no body",
			"send text/csv, application/x-ndjson or "+sheet.MediaType+", or name an upload: ?upload=ID")
	default:
		in.body.Limits = h.limits
		defer in.body.EndWhen(web.Stopping(ctx))()
		var done func()
		ctx, done = in.body.Context(ctx)
		defer done()
		u.Body, u.Interrupt, u.ContentType = in.body, in.body.Interrupt, in.contentType
	}
	answer, err := h.imports.Import(ctx, by, in.ID, u)
	if err != nil {
		return nil, err
	}
	r := answer.Value
	out := &ImportOut{Status: http.StatusOK, Replayed: web.Replayed(answer.Replayed)}
	out.Body = api.ImportResult{
		Accepted: r.Accepted, Rejected: r.Rejected, TotalAmount: r.TotalAmount,
		Unit: api.OrNull(r.Unit), Warnings: wireWarnings(r.Warnings),
	}
	if in.DryRun {
		return out, nil
	}
	out.Status, out.Location = http.StatusCreated, web.EventURL(in.ID)+"/imports"
	out.Body.ImportID = &r.ImportID
	if r.Rejected > 0 {
		out.Body.RejectedURL = rejectedURL(in.ID, r.ImportID)
	}
	return out, nil
}

func wireWarnings(warnings []imports.Warning) []api.Warning {
	wire := make([]api.Warning, len(warnings))
	for i, w := range warnings {
		wire[i] = api.Warning{Code: w.Code, Text: w.Text, At: api.UTC(w.At)}
		if w.Line > 0 {
			wire[i].Line = &w.Line
		}
		if w.EventID > 0 {
			wire[i].Event = &w.EventID
		}
	}
	return wire
}

// DescribeEndImport describes the route of EndImport.
func (*Handlers) DescribeEndImport(o *huma.Operation) {
	o.Description = "Whichever process takes it in: nothing of it is kept, " +
		"its sender is told so (409 `upload_ended`), and the event is free for another one."
}

// EndImport ends the upload that is under way. It answers once the event is free for another upload.
func (h *Handlers) EndImport(ctx context.Context, in *web.ByID) (*web.Nothing, error) {
	return nil, h.imports.EndImport(ctx, web.CallerOf(ctx), in.ID)
}

// TakeBackIn is a request to take an import back.
type TakeBackIn struct {
	web.Idempotent

	ID       int64 `path:"id" minimum:"1"`
	ImportID int64 `path:"import_id" minimum:"1"`
}

// DescribeTakeBack describes the route of TakeBack.
func (*Handlers) DescribeTakeBack(o *huma.Operation) {
	o.Description = "While the event is PENDING: its targets, jobs and rejected rows go with it. " +
		"The audit keeps what it was."
}

// TakeBack removes an import from an event that has not started. It takes as long as the targets take.
func (h *Handlers) TakeBack(ctx context.Context, in *TakeBackIn) (*web.Nothing, error) {
	return nil, h.imports.TakeBack(ctx, in.Caller(ctx, nil), in.ID, in.ImportID)
}

// ImportsOut is an answer with the imports of an event.
type ImportsOut struct{ Body api.Imports }

// ListImports answers with the imports of an event.
func (h *Handlers) ListImports(ctx context.Context, in *web.ByID) (*ImportsOut, error) {
	records, err := h.imports.Imports(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &ImportsOut{Body: api.Imports{Items: make([]api.Import, len(records))}}
	for i, r := range records {
		out.Body.Items[i] = wireImport(r)
	}
	return out, nil
}

func wireImport(r imports.Record) api.Import {
	w := api.Import{
		ImportID:    r.ID,
		CreatedBy:   r.CreatedBy,
		CreatedAt:   r.CreatedAt.UTC(),
		ContentType: r.ContentType,
		FileName:    api.OrNull(r.FileName),
		Bytes:       r.Bytes,
		SHA256:      hex.EncodeToString(r.SHA256),
		Accepted:    r.Accepted,
		Rejected:    r.Rejected,
		TotalAmount: r.TotalAmount,
	}
	if r.Rejected > 0 {
		w.RejectedURL = rejectedURL(r.EventID, r.ID)
	}
	return w
}
