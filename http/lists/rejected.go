package lists

import (
	"context"
	"mime"
	"net/http"

	"bestow/app/imports"
	"bestow/app/sheet"
	"bestow/http/web"
	"bestow/http/web/rejects"

	"github.com/danielgtaylor/huma/v2"
)

// RejectedIn is a request for the rejected rows of an import.
type RejectedIn struct {
	ID       int64  `path:"id" minimum:"1"`
	ImportID int64  `path:"import_id" minimum:"1"`
	Format   string `query:"format" enum:"csv,original" default:"csv" doc:"original: the bad lines under the file's own header, to correct and upload"`
}

// DescribeRejectedRows describes the route of RejectedRows.
func (*Handlers) DescribeRejectedRows(o *huma.Operation) {
	o.Responses = map[string]*huma.Response{"200": {
		Description: "The rows, in the order of their lines",
		Content:     map[string]*huma.MediaType{"text/csv": {}, "application/x-ndjson": {}, sheet.MediaType: {}},
	}}
}

// RejectedRows streams the rejected rows of an import. Its memory does not grow with their number.
func (h *Handlers) RejectedRows(ctx context.Context, in *RejectedIn) (*web.Download, error) {
	record, err := h.imports.Find(ctx, in.ID, in.ImportID)
	if err != nil {
		return nil, err
	}
	file := rejects.FileOf(record, in.Format == "original")
	return &web.Download{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", file.ContentType)
		ctx.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.Name}))
		ctx.SetStatus(http.StatusOK)
		w := web.NewSteadyWriter(ctx)
		err := file.Write(w, func(each func(imports.RejectedRow) error) error {
			_, err := h.imports.Rejected(ctx.Context(), in.ID, in.ImportID, each)
			return err
		})
		if err != nil {
			_ = h.api.Problem(ctx.Context(), err) // logs it if it is our fault
			w.Cut()
		}
	}}, nil
}
