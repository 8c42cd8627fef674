package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"bestow/http/api"

	"github.com/go-json-experiment/json"
)

// Upload is a member list to be sent.
type Upload struct {
	Body        io.Reader
	Size        int64  // of the body in bytes; 0: not known
	ContentType string // text/csv, application/x-ndjson, or that of a spreadsheet
	FileName    string // for people; "": none
	Sheet       string // of a spreadsheet: the sheet with the list; "": the first one
	Abort       bool   // one rejected row refuses them all
	DryRun      bool   // count and check only
}

// query says how the list is to be imported.
func (u Upload) query() url.Values {
	q := url.Values{}
	if u.Abort {
		q.Set("on_reject", "abort")
	}
	if u.FileName != "" {
		q.Set("file_name", u.FileName)
	}
	if u.Sheet != "" {
		q.Set("sheet", u.Sheet)
	}
	if u.DryRun {
		q.Set("dry_run", "true")
	}
	return q
}

// ImportTargets sends a member list, once. If it was refused because of a row, the error is a *RejectedError.
func (c *Client) ImportTargets(ctx context.Context, eventID int64, u Upload) (api.ImportResult, error) {
	header := http.Header{"Content-Type": {u.ContentType}, "Expect": {"100-continue"}}
	return c.importTargets(ctx, eventID, u.query(), header, u)
}

func (c *Client) importTargets(
	ctx context.Context, eventID int64, q url.Values, header http.Header, u Upload,
) (api.ImportResult, error) {
	if !u.DryRun { // the answer is kept, and the proof compares what it said; the upload is not sent again
		header.Set("Idempotency-Key", rand.Text())
	}
	req := request{
		method: http.MethodPost, path: eventPath(eventID) + "/targets", query: q, size: u.Size,
		lost: fmt.Sprintf("the list is stored whole or not at all: `bestow targets list %d` shows it if it is; "+
			"to upload it again is safe", eventID),
	}
	var r api.ImportResult
	res, err := c.send(ctx, req, header, u.Body)
	if err != nil {
		return r, err
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.UnmarshalRead(res.Body, &r); err != nil {
		return r, fmt.Errorf("read answer: %w", err)
	}
	return r, nil
}

// EndImport ends the event's upload that is under way. Nothing of it is kept.
func (c *Client) EndImport(ctx context.Context, eventID int64) error {
	return c.call(ctx, request{method: http.MethodDelete, path: eventPath(eventID) + "/imports/running"}, nil)
}

// Imports lists an event's uploads, newest first.
func (c *Client) Imports(ctx context.Context, eventID int64) (api.Imports, error) {
	var list api.Imports
	return list, c.call(ctx, request{method: http.MethodGet, path: eventPath(eventID) + "/imports"}, &list)
}

// Import returns one upload of an event with what its pass found. Error: domain.NotFound.
func (c *Client) Import(ctx context.Context, eventID, importID int64) (api.ImportDetails, error) {
	var details api.ImportDetails
	path := eventPath(eventID) + "/imports/" + strconv.FormatInt(importID, 10)
	return details, c.call(ctx, request{method: http.MethodGet, path: path}, &details)
}

// Rejected writes the rejected rows of an upload to w: as a table, or as the original lines under their own header. An
// error after the first byte means that the rest is missing.
func (c *Client) Rejected(ctx context.Context, eventID, importID int64, original bool, w io.Writer) error {
	q := url.Values{}
	if original {
		q.Set("format", "original")
	}
	path := eventPath(eventID) + "/imports/" + strconv.FormatInt(importID, 10) + "/rejected"
	res, err := c.send(ctx, request{method: http.MethodGet, path: path, query: q}, http.Header{}, nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("copy rejected rows: %w", err)
	}
	return nil
}

// TakeBack removes an import from an event that has not started. Errors: domain.NotFound, WrongStatus,
// ImportRunning.
func (c *Client) TakeBack(ctx context.Context, eventID, importID int64) error {
	path := eventPath(eventID) + "/imports/" + strconv.FormatInt(importID, 10)
	return c.call(ctx, request{method: http.MethodDelete, path: path}, nil)
}
