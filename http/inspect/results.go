package inspect

import (
	"context"

	"bestow/app/reports"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"
)

// ResultsIn is a request for a page of results.
type ResultsIn struct {
	ID        int64  `path:"id" minimum:"1"`
	Status    string `query:"status" enum:"PENDING,SUCCESS,FAILED,PERMANENTLY_FAILED" doc:"in any letter case"`
	ErrorCode string `query:"error_code" maxLength:"50"`
	MemberID  string `query:"member_id" maxLength:"300" doc:"as a list may spell it: blanks around it and the form of its letters do not count"`
	Limit     int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor    string `query:"cursor" maxLength:"300" doc:"next_cursor of the page before"`
}

// ResultsOut is a page of results.
type ResultsOut struct{ Body api.Results }

// Results answers with a page of results, in the order of the members.
func (h *Handlers) Results(ctx context.Context, in *ResultsIn) (*ResultsOut, error) {
	after, err := web.ResultCursor.ReadText(in.Cursor)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"error_code": in.ErrorCode, "member_id": in.MemberID} {
		if err := web.CheckText(name, value); err != nil {
			return nil, err
		}
	}
	results, err := h.reports.Results(ctx, in.ID, reports.ResultFilter{
		Status:    domain.ResultStatus(in.Status),
		ErrorCode: in.ErrorCode,
		MemberID:  in.MemberID,
		After:     after,
		Limit:     in.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	results, next := web.Page(results, in.Limit,
		func(r reports.Result) string { return web.ResultCursor.WriteText(r.MemberID) })
	out := &ResultsOut{Body: api.Results{Items: make([]api.Result, 0, len(results)), NextCursor: next}}
	for _, r := range results {
		out.Body.Items = append(out.Body.Items, wireResult(r))
	}
	if in.MemberID != "" && len(results) == 0 {
		absence, err := h.reports.WhyAbsent(ctx, in.ID, in.MemberID)
		if err != nil {
			return nil, err
		}
		out.Body.Absent = wireAbsence(absence)
	}
	return out, nil
}

func wireAbsence(a reports.Absence) *api.Absence {
	return &api.Absence{
		Code: a.Code, Text: a.Text, ImportID: api.OrNull(a.ImportID), Line: api.OrNull(a.Line),
	}
}

func wireResult(r reports.Result) api.Result {
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
