package lists

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"bestow/app/imports"
	"bestow/app/sheet"
	"bestow/http/web"

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
	name := fmt.Sprintf("rejected-%d-%d.csv", in.ID, in.ImportID)
	contentType, export := "text/csv; charset=utf-8", exportRows
	if in.Format == "original" {
		export = originalRows
		switch {
		case record.ContentType == sheet.MediaType:
			contentType, name, export = sheet.MediaType, strings.TrimSuffix(name, "csv")+"xlsx", spreadsheetRows
		case record.Header == "":
			contentType, name = "application/x-ndjson", strings.TrimSuffix(name, "csv")+"ndjson"
		}
	}
	return &web.Download{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", contentType)
		ctx.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
		ctx.SetStatus(http.StatusOK)
		w := web.NewSteadyWriter(ctx)
		err := export(w, record, func(each func(imports.RejectedRow) error) error {
			_, err := h.imports.Rejected(ctx.Context(), in.ID, in.ImportID, each)
			return err
		})
		if err != nil {
			_ = h.api.Problem(ctx.Context(), err) // logs it if it is our fault
			w.Cut()
		}
	}}, nil
}

// rowSource hands each row to a function.
type rowSource func(each func(imports.RejectedRow) error) error

// exportRows writes a table for people: line, error_code, reason, raw.
func exportRows(w io.Writer, _ imports.Record, rows rowSource) error {
	if _, err := io.WriteString(w, web.BOM); err != nil {
		return err
	}
	table := csv.NewWriter(w)
	if err := table.Write([]string{"line", "error_code", "reason", "raw"}); err != nil {
		return err
	}
	err := rows(func(r imports.RejectedRow) error {
		return table.Write([]string{strconv.FormatInt(r.Line, 10), r.Code, web.Inert(r.Reason), web.Inert(r.Raw)})
	})
	if err != nil {
		return err
	}
	table.Flush()
	return table.Error()
}

// spreadsheetRows writes the rows as they came in a spreadsheet.
func spreadsheetRows(w io.Writer, record imports.Record, rows rowSource) error {
	return sheet.Write(w, record.Header, func(each func(line string) error) error {
		return rows(func(r imports.RejectedRow) error { return each(r.Raw) })
	})
}

// originalRows writes the rows as they came, so that they can be corrected and uploaded.
func originalRows(w io.Writer, record imports.Record, rows rowSource) error {
	lines := bufio.NewWriter(w)
	write := func(line string) error {
		_, err := lines.WriteString(line + "\n")
		return err
	}
	if record.Header != "" {
		if err := write(web.BOM + record.Header); err != nil {
			return err
		}
	}
	if err := rows(func(r imports.RejectedRow) error { return write(r.Raw) }); err != nil {
		return err
	}
	return lines.Flush()
}
