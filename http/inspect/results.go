package inspect

import (
	"context"
	"strconv"
	"time"

	"bestow/app/lists"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// DescribeResults describes the route of Results.
func (h *Handlers) DescribeResults(o *huma.Operation) {
	listOf(o, web.Schema[api.Results](h.api, "Results"))
}

// ResultsIn is a request for a page of results, or for all of them.
type ResultsIn struct {
	web.Export

	ID        int64  `path:"id" minimum:"1"`
	Status    string `query:"status" enum:"PENDING,SUCCESS,FAILED,PERMANENTLY_FAILED" doc:"in any letter case"`
	ErrorCode string `query:"error_code" maxLength:"50"`
	MemberID  string `query:"member_id" maxLength:"300" doc:"as a list may spell it: blanks around it and the form of its letters do not count"`
	Limit     int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor    string `query:"cursor" maxLength:"500" doc:"next_cursor of the page before"`
}

// Results answers with a page of results, or with all of them, in the order of the members.
func (h *Handlers) Results(ctx context.Context, in *ResultsIn) (*web.Download, error) {
	for name, value := range map[string]string{"error_code": in.ErrorCode, "member_id": in.MemberID} {
		if err := web.CheckText(name, value); err != nil {
			return nil, err
		}
	}
	sight := h.sightOf(ctx)
	after, err := sight.after(ctx, web.ResultCursor, in.Cursor)
	if err != nil {
		return nil, err
	}
	f := lists.ResultFilter{
		Status: domain.ResultStatus(in.Status), ErrorCode: in.ErrorCode, MemberID: in.MemberID, After: after,
		Limit: in.Limit + 1,
	}
	if in.Format != "" {
		return h.export(ctx, &in.Export, h.listResults(in.ID, f))
	}
	short, cancel := context.WithTimeout(ctx, web.RequestTimeout)
	defer cancel()
	out, err := h.resultsPage(short, in, f, sight)
	if err != nil {
		return nil, err
	}
	return page(out), nil
}

func (h *Handlers) resultsPage(
	ctx context.Context, in *ResultsIn, f lists.ResultFilter, sight sight,
) (out api.Results, err error) {
	results, err := h.lists.Results(ctx, in.ID, f)
	if err != nil {
		return out, err
	}
	results, out.NextCursor, err = pageOf(ctx, sight, web.ResultCursor, results, in.Limit,
		func(r lists.Result) string { return r.MemberID })
	if err != nil {
		return out, err
	}
	out.Items = make([]api.Result, 0, len(results))
	for _, r := range results {
		w := wireResult(r)
		w.MemberID = sight.show(w.MemberID)
		out.Items = append(out.Items, w)
	}
	if in.MemberID != "" && len(results) == 0 {
		absence, err := h.lists.WhyAbsent(ctx, in.ID, in.MemberID)
		if err != nil {
			return out, err
		}
		out.Absent = wireAbsence(absence)
	}
	return out, nil
}

// listResults is the export of the results that f lets through.
func (h *Handlers) listResults(eventID int64, f lists.ResultFilter) list {
	return list{
		event: eventID, what: "results",
		titles: []string{
			"member_id", "amount", "status", "error_code", "error_message", "retry_count", "money_tx_id", "updated_at",
		},
		each: func(ctx context.Context, who lists.Taking, write func(row) error) error {
			return h.lists.ExportResults(ctx, who, eventID, f, func(r lists.Result) error {
				return write(row{wireResult(r), []string{
					r.MemberID, strconv.FormatInt(r.Amount, 10), string(r.Status), r.ErrorCode, r.ErrorMessage,
					strconv.Itoa(r.RetryCount), r.MoneyTxID, r.UpdatedAt.UTC().Format(time.RFC3339Nano),
				}})
			})
		},
	}
}

func wireAbsence(a lists.Absence) *api.Absence {
	return &api.Absence{
		Code: a.Code, Text: a.Text, ImportID: api.OrNull(a.ImportID), Line: api.OrNull(a.Line),
		RowCode: api.OrNull(a.RowCode),
	}
}

func wireResult(r lists.Result) api.Result {
	return api.Result{
		MemberID:     r.MemberID,
		Amount:       r.Amount,
		Status:       string(r.Status),
		ErrorCode:    api.OrNull(r.ErrorCode),
		ErrorMessage: api.OrNull(r.ErrorMessage),
		RetryCount:   r.RetryCount,
		MoneyTxID:    api.OrNull(r.MoneyTxID),
		UpdatedAt:    r.UpdatedAt.UTC(),
	}
}
