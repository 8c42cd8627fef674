package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"bestow/http/api"
)

// The types in which a list is sent whole.
const (
	CSV    = "text/csv"
	NDJSON = "application/x-ndjson"
)

// TargetFilter narrows the list of an event. Zero values stand for all.
type TargetFilter struct{ PublishStatus, MemberID string }

func (f TargetFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"publish_status": f.PublishStatus, "member_id": f.MemberID} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// Targets returns the first page of an event's list, by member id. Error: domain.NotFound.
func (c *Client) Targets(ctx context.Context, eventID int64, f TargetFilter) (api.Targets, error) {
	var page api.Targets
	r := request{method: http.MethodGet, path: eventPath(eventID) + "/targets", query: f.query()}
	return page, c.call(ctx, r, &page)
}

// ExportTargets copies the whole list of an event to w as CSV or NDJSON, for a reason that the audit keeps. An answer
// that was cut is an error. Error: domain.NotFound.
func (c *Client) ExportTargets(
	ctx context.Context, eventID int64, f TargetFilter, format, reason string, w io.Writer,
) error {
	return c.export(ctx, eventPath(eventID)+"/targets", f.query(), format, reason, w)
}

// ExportResults copies all results of an event that f lets through to w, as ExportTargets does.
func (c *Client) ExportResults(
	ctx context.Context, eventID int64, f ResultFilter, format, reason string, w io.Writer,
) error {
	q := url.Values{}
	for name, value := range map[string]string{
		"status": f.Status, "error_code": f.ErrorCode, "member_id": f.MemberID,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return c.export(ctx, eventPath(eventID)+"/results", q, format, reason, w)
}

func (c *Client) export(ctx context.Context, path string, q url.Values, format, reason string, w io.Writer) error {
	header := http.Header{"Accept": {format}}
	if reason != "" {
		header.Set("X-Reason", reason)
	}
	res, err := c.send(ctx, request{method: http.MethodGet, path: path, query: q}, header, nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("the list was cut off: ask for it again: %w", err)
	}
	return nil
}
