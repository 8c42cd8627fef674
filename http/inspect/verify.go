package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"bestow/app/reports"
	"bestow/app/verify"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
)

// DescribeVerify describes the route of Verify.
func (*Handlers) DescribeVerify(o *huma.Operation) {
	o.Description = "A process with the role jobs makes it; GET shows it. While one waits to be made, " +
		"asking again changes nothing. One that is being made already may have read an older state: " +
		"asking then gets another one after it."
}

// VerifyIn is a request for a report.
type VerifyIn struct {
	web.Idempotent

	ID int64 `path:"id" minimum:"1"`
}

// VerifyOut is an answer with the verification that waits.
type VerifyOut struct {
	Location string `header:"Location" doc:"of the report"`
	Replayed string `header:"Idempotency-Replayed" doc:"true: the answer is the stored one of this Idempotency-Key"`
	Body     api.Verification
}

// Verify asks for a report, and answers with the verification that waits: this request's, or an earlier one's.
func (h *Handlers) Verify(ctx context.Context, in *VerifyIn) (*VerifyOut, error) {
	asked, err := h.reports.RequestReport(ctx, in.Caller(ctx, nil), in.ID)
	if err != nil {
		return nil, err
	}
	location := web.EventURL(in.ID) + "/verify"
	return &VerifyOut{Location: location, Replayed: web.Replayed(asked.Replayed), Body: wireVerification(asked.Value)}, nil
}

func wireVerification(v reports.Verification) api.Verification {
	wire := api.Verification{
		EventID: v.EventID, State: api.VerifyWaiting, By: v.By, AskedAt: v.AskedAt.UTC(),
		Since: api.UTC(v.Since),
	}
	if v.Since != nil {
		wire.State = api.VerifyRunning
	}
	return wire
}

// verifyReport describes the answer of LastReport.
type verifyReport struct {
	verify.Report

	UnderWay *api.Verification `json:"under_way,omitempty" doc:"the next report, if it was asked for; no part of the document"`
}

// DescribeLastReport describes the route of LastReport.
func (h *Handlers) DescribeLastReport(o *huma.Operation) {
	o.Description = "`sha256` is of the document's own bytes, with `\"sha256\":\"\"` at their end. " +
		"While the next report is under way, the answer has `under_way` as well, which is no part of the document. " +
		"The header Report-Stale says that the event has changed since. " +
		"A viewer gets it without the examples of differences, which name members; `sha256` is of the whole all the same. " +
		"Before the first one: 404 `no_report` or `report_under_way`."
	schema := web.Schema[verifyReport](h.api, "VerifyReport")
	o.Responses = map[string]*huma.Response{"200": {
		Description: "The report, byte for byte as it was made",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}}
}

// ReportOut is an answer with a report.
type ReportOut struct {
	ContentType string `header:"Content-Type"`
	Stale       string `header:"Report-Stale" doc:"true: the event has changed since the report was made"`
	Body        []byte
}

// LastReport answers with the last report on the event.
func (h *Handlers) LastReport(ctx context.Context, in *web.ByID) (*ReportOut, error) {
	r, err := h.reports.LastReport(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !web.Principal(ctx).Role.May(domain.ReadWhole) {
		if r.Document, err = verify.Masked(r.Document); err != nil {
			return nil, err
		}
	}
	body, err := wireReport(r)
	if err != nil {
		return nil, err
	}
	out := &ReportOut{ContentType: "application/json", Body: body}
	if r.Stale {
		out.Stale = "true"
	}
	return out, nil
}

// wireReport returns the document as it was made. If another report is under way, that is added as the last member.
func wireReport(r reports.KeptReport) ([]byte, error) {
	if r.UnderWay == nil {
		return r.Document, nil
	}
	next, err := json.Marshal(wireVerification(*r.UnderWay))
	if err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	document, ok := bytes.CutSuffix(r.Document, []byte("}"))
	if !ok {
		return nil, errors.New("write report: what was kept is no JSON object")
	}
	return fmt.Appendf(nil, `%s,"under_way":%s}`, document, next), nil
}
