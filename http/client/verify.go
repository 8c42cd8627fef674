package client

import (
	"context"
	"fmt"
	"net/http"

	"bestow/http/api"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Report is the last report on an event.
type Report struct {
	Document jsontext.Value    // as the service made it, with the member under_way if UnderWay is not nil
	UnderWay *api.Verification // the next report, if it was requested
}

// VerifyEvent requests a report on an event, which the service then makes. Error: domain.NotFound.
func (c *Client) VerifyEvent(ctx context.Context, id int64) (api.Verification, error) {
	var v api.Verification
	return v, c.call(ctx, request{method: http.MethodPost, path: eventPath(id) + "/verify"}, &v)
}

// LastReport returns the last report on an event. Errors: domain.NotFound; if there is no report, ReportUnderWay while
// the first one is made, and NoReport otherwise.
func (c *Client) LastReport(ctx context.Context, id int64) (r Report, err error) {
	if err := c.call(ctx, request{method: http.MethodGet, path: eventPath(id) + "/verify"}, &r.Document); err != nil {
		return r, err
	}
	var state struct {
		UnderWay *api.Verification `json:"under_way"`
	}
	if err := json.Unmarshal(r.Document, &state); err != nil {
		return r, fmt.Errorf("read report: %w", err)
	}
	r.UnderWay = state.UnderWay
	return r, nil
}
