package client

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"bestow/domain"
	"bestow/http/api"

	"github.com/go-json-experiment/json"
)

func eventPath(id int64) string { return "/events/" + strconv.FormatInt(id, 10) }

// CreateEvent makes an event.
func (c *Client) CreateEvent(ctx context.Context, n api.NewEvent) (api.Event, error) {
	var e api.Event
	return e, c.call(ctx, request{method: http.MethodPost, path: "/events", body: n}, &e)
}

// Event returns one event. Error: domain.NotFound.
func (c *Client) Event(ctx context.Context, id int64) (api.Event, error) {
	var e api.Event
	return e, c.call(ctx, request{method: http.MethodGet, path: eventPath(id)}, &e)
}

// StartEvent starts an event.
func (c *Client) StartEvent(ctx context.Context, id int64) (api.Event, error) {
	var e api.Event
	return e, c.call(ctx, request{method: http.MethodPost, path: eventPath(id) + "/start"}, &e)
}

// Filter narrows a list of events. Zero values stand for all.
type Filter struct {
	Status      string // several with commas between them
	Type        string
	CampaignID  string
	Words       string // stand in the campaign_id or the name
	CreatedBy   string
	HasFailures string // true or false
	Limit       int    // 1 … 1000; 0: the server's default
	Cursor      string // of the page before
}

// Events returns a page of events, newest first.
func (c *Client) Events(ctx context.Context, f Filter) (api.Events, error) {
	q := url.Values{}
	for name, value := range map[string]string{
		"event_status": f.Status, "event_type": f.Type,
		"campaign_id": f.CampaignID, "q": f.Words, "created_by": f.CreatedBy, "has_failures": f.HasFailures,
		"cursor": f.Cursor,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Limit != 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	var page api.Events
	return page, c.call(ctx, request{method: http.MethodGet, path: "/events", query: q}, &page)
}

// FindEvent returns the event with the name as its id or its campaign_id. If a number is the id of one event and the
// campaign_id of another, FindEvent does not guess: "id:7" and "campaign:7" say which. Errors: domain.NotFound,
// domain.Invalid for such a number.
func (c *Client) FindEvent(ctx context.Context, name string) (api.Event, error) {
	id, byID := strings.CutPrefix(name, "id:")
	campaign, byCampaign := strings.CutPrefix(name, "campaign:")
	if id == "" || campaign == "" {
		return api.Event{}, domain.InvalidError("the event's name is empty",
			"give an id or a campaign_id: `bestow event list` shows them")
	}
	var found []api.Event
	if n, ok := domain.ParseID(id); ok && !byCampaign {
		e, err := c.Event(ctx, n)
		if err != nil && !domain.IsCode(err, domain.NotFound) {
			return e, err
		}
		if err == nil {
			found = append(found, e)
		}
	}
	if !byID || len(found) == 0 {
		page, err := c.Events(ctx, Filter{CampaignID: campaign})
		if err != nil {
			return api.Event{}, err
		}
		found = append(found, page.Items...)
	}
	return theOne(name, found)
}

// theOne returns the event that was found, if there is only one.
func theOne(name string, found []api.Event) (api.Event, error) {
	if len(found) == 0 {
		return api.Event{}, domain.NotFoundError(fmt.Sprintf("there is no event %q", name),
			"`bestow event list` shows the ids and the campaign_ids")
	}
	for _, other := range found[1:] {
		if other.ID != found[0].ID {
			return api.Event{}, domain.InvalidError(
				fmt.Sprintf("%s is the id of one event and the campaign_id of event %d", name, other.ID),
				fmt.Sprintf("say id:%s or campaign:%s", name, name),
			)
		}
	}
	return found[0], nil
}

// Progress returns the progress of an event.
func (c *Client) Progress(ctx context.Context, id int64) (api.Progress, error) {
	var p api.Progress
	return p, c.call(ctx, request{method: http.MethodGet, path: eventPath(id) + "/progress"}, &p)
}

// Follow calls each with the progress of an event, about once a second, until the event is at rest, the stream ends, or
// each returns an error, which Follow returns.
func (c *Client) Follow(ctx context.Context, id int64, each func(api.Progress) error) error {
	header := http.Header{"Accept": {"text/event-stream"}}
	res, err := c.send(ctx, request{method: http.MethodGet, path: eventPath(id) + "/progress"}, header, nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var p api.Progress
		if err := json.Unmarshal([]byte(data), &p); err != nil {
			return fmt.Errorf("read progress: %w", err)
		}
		if err := each(p); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read progress: %w", err)
	}
	return nil
}

// EventTag returns one event and the ETag of its definition, for EditEvent. Error: domain.NotFound.
func (c *Client) EventTag(ctx context.Context, id int64) (e api.Event, tag string, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: eventPath(id), tag: &tag}, &e)
	return e, tag, err
}

// EditEvent changes an event that is PENDING, if its definition is still the one with the tag. The patch has the names
// of the API; nil clears.
func (c *Client) EditEvent(ctx context.Context, id int64, tag string, patch map[string]any) (api.Event, error) {
	var e api.Event
	return e, c.call(ctx, request{method: http.MethodPatch, path: eventPath(id), body: patch, ifMatch: tag}, &e)
}

// DeleteEvent deletes an event that was never started.
func (c *Client) DeleteEvent(ctx context.Context, id int64) error {
	return c.call(ctx, request{method: http.MethodDelete, path: eventPath(id)}, nil)
}
