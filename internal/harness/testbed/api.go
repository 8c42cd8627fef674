package testbed

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// API is the service as another team's program sees it: HTTP and JSON, nothing of ours.
type API struct {
	URL, Key string

	http http.Client
}

// RefusedError is an answer that is no success.
type RefusedError struct {
	Status int
	Code   string // of the problem, "" if the answer is none
	body   string
}

// Error returns the status and the body of the answer.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the API answered %d: %s", e.Status, strings.TrimSpace(e.body))
}

// Passing reports whether an error may be gone in a moment: no server listens, the server says 503, or that it is still
// at work on a request whose connection was lost. Any other answer, a 500 too, is final.
func Passing(err error) bool {
	var refused *RefusedError
	if !errors.As(err, &refused) {
		return err != nil
	}
	return refused.Status == http.StatusServiceUnavailable || refused.Code == "import_running" ||
		refused.Code == "key_in_flight"
}

const (
	// Interval is the time between two looks at something that is waited for.
	Interval = 20 * time.Millisecond
	// lookTimeout is the time that one look at an event may take, so that a server that hangs does not stop the clock.
	lookTimeout = time.Second
	// changeTimeout is the time that a change is asked for, again and again with the same Idempotency-Key.
	changeTimeout = 2 * time.Minute
)

// NewEvent holds what an event is made of.
type NewEvent struct {
	CampaignID    string `json:"campaign_id"`
	EventType     string `json:"event_type"`
	DefaultAmount int64  `json:"default_amount"`
	DefaultReason string `json:"default_reason"`
}

// Create makes an event and returns its id.
func (a *API) Create(ctx context.Context, e NewEvent) (int64, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return 0, fmt.Errorf("create event: %w", err)
	}
	var event struct {
		ID int64 `json:"id"`
	}
	if err := a.change(ctx, "/events", "application/json", func() io.Reader { return bytes.NewReader(body) },
		&event); err != nil {
		return 0, fmt.Errorf("create event: %w", err)
	}
	return event.ID, nil
}

// Load imports a CSV of so many members into an event; list is called for each attempt.
func (a *API) Load(ctx context.Context, event int64, members int, list func() io.Reader) error {
	var answer struct {
		Accepted, Rejected int
	}
	if err := a.change(ctx, eventPath(event)+"/targets", "text/csv", list, &answer); err != nil {
		return fmt.Errorf("import members: %w", err)
	}
	if answer.Accepted != members || answer.Rejected != 0 {
		return fmt.Errorf("import members: %d of %d were accepted, %d rejected", answer.Accepted, members,
			answer.Rejected)
	}
	return nil
}

// Reserve lets an event start by itself, in a whole second, with a place among those of the same second.
func (a *API) Reserve(ctx context.Context, event int64, at time.Time, place int) error {
	body, err := json.Marshal(map[string]any{"reservation_at": at, "reservation_priority": place})
	if err != nil {
		return fmt.Errorf("reserve event: %w", err)
	}
	var answer struct{}
	header := http.Header{"Content-Type": {"application/merge-patch+json"}, "If-Match": {"*"}}
	err = a.repeat(ctx, http.MethodPatch, eventPath(event), header, func() io.Reader { return bytes.NewReader(body) },
		&answer)
	if err != nil {
		return fmt.Errorf("reserve event: %w", err)
	}
	return nil
}

// Start starts an event.
func (a *API) Start(ctx context.Context, event int64) error { return a.move(ctx, event, "start") }

// Resume lets a stopped event go on.
func (a *API) Resume(ctx context.Context, event int64) error { return a.move(ctx, event, "resume") }

func (a *API) move(ctx context.Context, event int64, name string) error {
	var answer struct{}
	if err := a.change(ctx, eventPath(event)+"/"+name, "", func() io.Reader { return nil }, &answer); err != nil {
		return fmt.Errorf("%s event: %w", name, err)
	}
	return nil
}

// Stop asks for the event's stop once, and says how many claims are still open.
func (a *API) Stop(ctx context.Context, event int64) (draining int, err error) {
	var answer struct {
		Draining int
	}
	const body = `{"memo": "the harness stops it"}`
	err = a.change(ctx, eventPath(event)+"/stop", "application/json",
		func() io.Reader { return strings.NewReader(body) }, &answer)
	if err != nil {
		return 0, fmt.Errorf("stop event: %w", err)
	}
	return answer.Draining, nil
}

// Brake asks for the brake of all events once, and says how many claims are still open.
func (a *API) Brake(ctx context.Context) (draining int, err error) {
	var answer struct {
		Items []struct{ Draining int }
	}
	const body = `{"scope": "all", "memo": "the harness brakes"}`
	err = a.change(ctx, "/brake", "application/json", func() io.Reader { return strings.NewReader(body) }, &answer)
	if err != nil {
		return 0, fmt.Errorf("engage brake: %w", err)
	}
	for _, e := range answer.Items {
		draining += e.Draining
	}
	return draining, nil
}

// ReleaseBrake releases the brake of all events.
func (a *API) ReleaseBrake(ctx context.Context) error {
	var answer struct{}
	const body = `{"scope": "all", "memo": "the harness goes on"}`
	err := a.change(ctx, "/brake/release", "application/json", func() io.Reader { return strings.NewReader(body) },
		&answer)
	if err != nil {
		return fmt.Errorf("release brake: %w", err)
	}
	return nil
}

// Retry redrives all members that were given up, and returns their number.
func (a *API) Retry(ctx context.Context, event int64) (accepted int, err error) {
	var answer struct {
		Accepted int
	}
	err = a.change(ctx, eventPath(event)+"/retry", "application/json",
		func() io.Reader { return strings.NewReader("{}") }, &answer)
	if err != nil {
		return 0, fmt.Errorf("retry event: %w", err)
	}
	return answer.Accepted, nil
}

// Progress says how an event goes.
type Progress struct {
	Status    string `json:"event_status"`
	Total     int
	Published int
	Success   int
	Fail      int
	Unknown   int
}

// PublishedPart is the part that is in Kafka, 0 to 1.
func (p Progress) PublishedPart() float64 { return float64(p.Published) / float64(max(p.Total, 1)) }

// SettledPart is the part that was granted or given up.
func (p Progress) SettledPart() float64 { return float64(p.Success+p.Fail) / float64(max(p.Total, 1)) }

// Progress looks at an event once.
func (a *API) Progress(ctx context.Context, event int64) (p Progress, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if err = a.call(ctx, http.MethodGet, eventPath(event)+"/progress", nil, nil, &p); err != nil {
		return p, fmt.Errorf("read progress: %w", err)
	}
	return p, nil
}

func eventPath(event int64) string { return "/events/" + strconv.FormatInt(event, 10) }

// change posts until it is answered for good.
func (a *API) change(ctx context.Context, path, contentType string, body func() io.Reader, answer any) error {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return a.repeat(ctx, http.MethodPost, path, header, body, answer)
}

// repeat asks for a change until it is answered for good; the Idempotency-Key makes that one change.
func (a *API) repeat(ctx context.Context, method, path string, header http.Header, body func() io.Reader,
	answer any,
) error {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	header.Set("Idempotency-Key", rand.Text())
	var last error
	err := Poll(ctx, 10*Interval, func() (bool, error) {
		last = a.call(ctx, method, path, header, body(), answer)
		if Passing(last) {
			return false, nil
		}
		return true, last
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(err, last)
	}
	return err
}

// call sends one request and reads the answer.
func (a *API) call(ctx context.Context, method, path string, header http.Header, body io.Reader, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.URL+path, body)
	if err != nil {
		return err
	}
	if header != nil {
		req.Header = header.Clone()
	}
	req.Header.Set("Authorization", "Bearer "+a.Key)
	res, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusMultipleChoices {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 2000)) // what came of it will do
		refused := &RefusedError{Status: res.StatusCode, body: string(said)}
		_ = json.Unmarshal(said, &struct{ Code *string }{&refused.Code}) // an error: no problem of ours
		return refused
	}
	return json.NewDecoder(res.Body).Decode(answer)
}

// Poll calls look at once and then each interval, until it is done or fails, or ctx ends.
func Poll(ctx context.Context, each time.Duration, look func() (done bool, err error)) error {
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

// Pause waits, unless ctx ends.
func Pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Percentile is the smallest of the durations that p of a hundred are not above; of none it is 0.
func Percentile(list []time.Duration, p float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
