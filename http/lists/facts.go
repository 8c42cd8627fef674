package lists

import (
	"context"

	"bestow/app/imports"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"
)

// ImportID is a request for one import of an event.
type ImportID struct {
	ID       int64 `path:"id" minimum:"1"`
	ImportID int64 `path:"import_id" minimum:"1"`
}

// ImportDetailsOut is an answer with one import.
type ImportDetailsOut struct{ Body api.ImportDetails }

// ShowImport answers with an import and what its pass found.
func (h *Handlers) ShowImport(ctx context.Context, in *ImportID) (*ImportDetailsOut, error) {
	whole := web.Principal(ctx).Role.May(domain.ReadWhole)
	found, err := h.imports.Facts(ctx, in.ID, in.ImportID, whole)
	if err != nil {
		return nil, err
	}
	if !whole {
		found.Warnings = nil
	}
	out := &ImportDetailsOut{Body: api.ImportDetails{Import: wireImport(found.Record)}}
	if found.Facts != nil {
		out.Body.Preflight = wireFacts(found)
	}
	return out, nil
}

func wireFacts(r imports.Found) *api.Preflight {
	f := r.Facts
	p := &api.Preflight{
		Rows: r.Accepted + r.Rejected, Duplicates: f.Duplicates(),
		RejectedByCode: make([]api.RejectedCode, len(f.Rejected)),
		Amounts: api.Amounts{
			Sum: f.Sum, Min: f.Min, Max: f.Max, Mean: f.Mean(), Distinct: api.OrNull(f.Distinct),
			Commonest: make([]api.AmountRows, len(f.Commonest)),
		},
		Warnings: wireWarnings(r.Warnings),
	}
	for i, c := range f.Rejected {
		p.RejectedByCode[i] = api.RejectedCode{ErrorCode: c.Code, Rows: c.Rows, Samples: wireSamples(r.Of(c.Code))}
	}
	for i, a := range f.Commonest {
		p.Amounts.Commonest[i] = api.AmountRows{Amount: a.Amount, Rows: a.Rows}
	}
	for _, b := range f.Histogram() {
		p.Amounts.Histogram = append(p.Amounts.Histogram, api.Bucket{From: b.From, To: b.To, Rows: b.Rows})
	}
	return p
}

func wireSamples(rows []imports.RejectedRow) []api.RejectedRow {
	wire := make([]api.RejectedRow, len(rows))
	for i, r := range rows {
		wire[i] = api.RejectedRow{
			Line: r.Line, FirstLine: api.OrNull(r.FirstLine), ErrorCode: r.Code, Reason: r.Reason, Raw: r.Raw,
		}
	}
	return wire
}
