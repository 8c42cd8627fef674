package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// api is the service as another team's program sees it: HTTP and JSON, nothing of ours.
type api struct {
	url, key string
	http     http.Client
}

// refusedError is an answer that is no success.
type refusedError struct {
	status int
	body   string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("the API answered %d: %s", e.status, strings.TrimSpace(e.body))
}

// passing says whether an error may be gone in a moment: nobody listens, or the server cannot answer now.
func passing(err error) bool {
	var refused *refusedError
	return err != nil && (!errors.As(err, &refused) || refused.status >= http.StatusInternalServerError)
}

const (
	// interval is the time between two looks at something that is waited for.
	interval = 20 * time.Millisecond
	// lookTimeout is how long one look at an event may take, so that a server that hangs does not stop the clock.
	lookTimeout = time.Second
	// changeTimeout is how long a change is asked for, again and again with the same Idempotency-Key.
	changeTimeout = 2 * time.Minute
)

// create makes an event and returns its id.
func (a *api) create(ctx context.Context, campaign, eventType string) (int64, error) {
	body, err := json.Marshal(map[string]any{
		"campaign_id": campaign, "event_type": eventType, "default_amount": defaultAmount, "default_reason": "kill",
	})
	if err != nil {
		return 0, fmt.Errorf("create event: %w", err)
	}
	var event struct {
		ID int64 `json:"id"`
	}
	if err := a.change(ctx, "/events", "application/json", func() io.Reader { return bytes.NewReader(body) }, &event); err != nil {
		return 0, fmt.Errorf("create event: %w", err)
	}
	return event.ID, nil
}

// load imports the members into an event.
func (a *api) load(ctx context.Context, event int64, members int) error {
	var answer struct {
		Accepted, Rejected int
	}
	path := eventPath(event) + "/targets"
	if err := a.change(ctx, path, "text/csv", func() io.Reader { return memberList(members) }, &answer); err != nil {
		return fmt.Errorf("import members: %w", err)
	}
	if answer.Accepted != members || answer.Rejected != 0 {
		return fmt.Errorf("import members: %d of %d were accepted, %d rejected", answer.Accepted, members, answer.Rejected)
	}
	return nil
}

// start starts an event.
func (a *api) start(ctx context.Context, event int64) error {
	var answer struct{}
	if err := a.change(ctx, eventPath(event)+"/start", "", func() io.Reader { return nil }, &answer); err != nil {
		return fmt.Errorf("start event: %w", err)
	}
	return nil
}

// stop asks for the event's stop once, and says how many claims are still open.
func (a *api) stop(ctx context.Context, event int64) (draining int, err error) {
	var answer struct {
		Draining int
	}
	const body = `{"memo": "the harness stops it"}`
	err = a.change(ctx, eventPath(event)+"/stop", "application/json", func() io.Reader { return strings.NewReader(body) }, &answer)
	if err != nil {
		return 0, fmt.Errorf("stop event: %w", err)
	}
	return answer.Draining, nil
}

// resume lets a stopped event go on.
func (a *api) resume(ctx context.Context, event int64) error {
	var answer struct{}
	if err := a.change(ctx, eventPath(event)+"/resume", "", func() io.Reader { return nil }, &answer); err != nil {
		return fmt.Errorf("resume event: %w", err)
	}
	return nil
}

// progress is how an event goes.
type progress struct {
	Status    string `json:"event_status"`
	Total     int
	Published int
	Success   int
	Fail      int
}

// published and settled are parts of the whole.
func (p progress) published() float64 { return float64(p.Published) / float64(max(p.Total, 1)) }
func (p progress) settled() float64   { return float64(p.Success+p.Fail) / float64(max(p.Total, 1)) }

// progress looks at an event once.
func (a *api) progress(ctx context.Context, event int64) (p progress, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if err = a.call(ctx, http.MethodGet, eventPath(event)+"/progress", nil, nil, &p); err != nil {
		return p, fmt.Errorf("read progress: %w", err)
	}
	return p, nil
}

func eventPath(event int64) string { return "/events/" + strconv.FormatInt(event, 10) }

// change posts until it is answered for good; the Idempotency-Key makes that one change.
func (a *api) change(ctx context.Context, path, contentType string, body func() io.Reader, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	header := http.Header{"Idempotency-Key": {rand.Text()}}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return poll(ctx, 10*interval, func() (bool, error) {
		err := a.call(ctx, http.MethodPost, path, header, body(), answer)
		if passing(err) {
			return false, nil
		}
		return true, err
	})
}

// call sends one request and reads the answer.
func (a *api) call(ctx context.Context, method, path string, header http.Header, body io.Reader, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, body)
	if err != nil {
		return err
	}
	if header != nil {
		req.Header = header.Clone()
	}
	req.Header.Set("Authorization", "Bearer "+a.key)
	res, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusMultipleChoices {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 2000)) // what came of it will do
		return &refusedError{res.StatusCode, string(said)}
	}
	return json.NewDecoder(res.Body).Decode(answer)
}

// poll calls look at once and then each interval, until it is done or fails, or ctx ends.
func poll(ctx context.Context, each time.Duration, look func() (done bool, err error)) error {
	tick := time.NewTicker(each)
	defer tick.Stop()
	for {
		done, err := look()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
