package inspect

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"bestow/app/lists"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
)

// listOf describes a list that is a page as JSON, and whole as CSV or NDJSON.
func listOf(o *huma.Operation, schema *huma.Schema) {
	o.Description = "A page as JSON. With `Accept: text/csv` or `Accept: application/x-ndjson` the whole list, of one " +
		"moment, as it is read; a cell that a spreadsheet would take for a formula begins with an apostrophe in CSV. " +
		"An export needs the role operator, approver or admin, and is recorded in the audit with X-Reason. " +
		"A viewer gets masked ids."
	o.Responses = map[string]*huma.Response{"200": {
		Description: "The page, or the list",
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: schema}, web.CSV: {}, web.NDJSON: {},
		},
	}}
	web.MayExport(o)
}

// page answers with v as JSON.
func page(v any) *web.Download {
	return &web.Download{Body: func(ctx huma.Context) { writeJSON(ctx, v) }}
}

// writeJSON answers with v.
func writeJSON(ctx huma.Context, v any) {
	ctx.SetHeader("Content-Type", "application/json")
	ctx.SetStatus(http.StatusOK)
	_ = json.MarshalWrite(ctx.BodyWriter(), v) // the client is gone
}

// row is one row of an export: as the API shows it, and as cells.
type row struct {
	wire  any
	cells []string
}

// list is one export of an event: what it lists, the titles of its cells, and what hands out its rows.
type list struct {
	event  int64
	what   string // targets, results
	titles []string
	each   func(ctx context.Context, who lists.Taking, write func(row) error) error
}

// mayExport refuses a caller who sees masked ids only.
func mayExport(ctx context.Context) error {
	p := web.Principal(ctx)
	if p.Role.May(domain.ReadWhole) {
		return nil
	}
	return domain.NewError(api.Forbidden, "the key of "+p.Name+" has the role "+string(p.Role)+
		", which sees masked ids, and may not export", "ask an operator for the file")
}

// export answers with a whole list; the audit keeps who takes it away. A refusal that comes before the first row is an
// answer of its own; a later one cuts the connection, so that no client takes the file for a whole one.
func (h *Handlers) export(ctx context.Context, asked *web.Export, l list) (*web.Download, error) {
	if err := mayExport(ctx); err != nil {
		return nil, err
	}
	by := asked.Caller(ctx)
	return &web.Download{Body: func(ctx huma.Context) {
		out := exporting{ctx: ctx, list: l, format: asked.Format, steady: web.NewSteadyWriter(ctx)}
		err := l.each(ctx.Context(), lists.Taking{By: by, Ending: web.Stopping(ctx.Context())}, out.write)
		if err == nil {
			err = out.end()
		}
		switch {
		case err == nil:
		case !out.begun:
			h.api.Refuse(ctx, err)
		default:
			_ = h.api.Problem(ctx.Context(), err) // logs it if it is our fault
			out.steady.Cut()
		}
	}}, nil
}

// exporting is an export at work.
type exporting struct {
	list

	ctx    huma.Context
	format string
	steady *web.SteadyWriter
	lines  *bufio.Writer
	table  *csv.Writer // nil for NDJSON
	begun  bool
}

// begin sends the headers and, of CSV, the titles.
func (x *exporting) begin() error {
	x.begun = true
	x.lines = bufio.NewWriterSize(x.steady, 64<<10)
	ending := strings.TrimPrefix(strings.TrimPrefix(x.format, "text/"), "application/x-")
	x.ctx.SetHeader("Content-Disposition",
		mime.FormatMediaType("attachment", map[string]string{
			"filename": fmt.Sprintf("%s-%d.%s", x.what, x.event, ending),
		}))
	if x.format != web.CSV {
		x.ctx.SetHeader("Content-Type", x.format)
		x.ctx.SetStatus(http.StatusOK)
		return nil
	}
	x.ctx.SetHeader("Content-Type", web.CSV+"; charset=utf-8")
	x.ctx.SetStatus(http.StatusOK)
	if _, err := x.lines.WriteString(web.BOM); err != nil {
		return err
	}
	x.table = csv.NewWriter(x.lines)
	return x.table.Write(x.titles)
}

func (x *exporting) write(r row) error {
	if !x.begun {
		if err := x.begin(); err != nil {
			return err
		}
	}
	if x.table != nil {
		for i, cell := range r.cells {
			r.cells[i] = web.Inert(cell)
		}
		return x.table.Write(r.cells)
	}
	text, err := json.Marshal(r.wire)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	_, err = x.lines.Write(append(text, '\n'))
	return err
}

// end sends what is left.
func (x *exporting) end() error {
	if !x.begun {
		if err := x.begin(); err != nil {
			return err
		}
	}
	if x.table != nil {
		x.table.Flush()
		if err := x.table.Error(); err != nil {
			return err
		}
	}
	return x.lines.Flush()
}
