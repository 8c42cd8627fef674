package web

import (
	"context"
	"strings"
	"unicode/utf8"

	"bestow/app/command"

	"github.com/danielgtaylor/huma/v2"
)

// The types of a list that is sent whole.
const (
	CSV    = "text/csv"
	NDJSON = "application/x-ndjson"
)

// BOM begins each CSV file: without it a spreadsheet in Korea reads UTF-8 as CP949. An import skips it.
const BOM = "\uFEFF"

// exportsKey marks the routes whose lists may be sent whole.
const exportsKey = "exports"

// MayExport lets the route see an Accept of CSV or NDJSON.
func MayExport(o *huma.Operation) { o.Metadata[exportsKey] = true }

// Export holds what a request for a list says of its form.
type Export struct {
	Reason string `header:"X-Reason" doc:"why a list is taken away, for the audit: up to 500 characters of UTF-8"`

	Format string // CSV, NDJSON, or "" for a page as JSON
}

// Resolve reads the form that the request asks for, and refuses a reason that cannot be stored.
func (e *Export) Resolve(ctx huma.Context) []error {
	if accept := ctx.Header("Accept"); accept == CSV || accept == NDJSON {
		e.Format = accept
	}
	return readReason(&e.Reason)
}

// Caller returns who takes a list away, and why.
func (e *Export) Caller(ctx context.Context) command.Caller {
	by := CallerOf(ctx)
	by.Reason = e.Reason
	return by
}

// Inert returns cell so that no spreadsheet takes it for a formula. Excel also accepts the wide characters of Korean
// keyboards.
func Inert(cell string) string {
	if first, _ := utf8.DecodeRuneInString(cell); cell != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}
