package terminal

import (
	"context"
	"time"

	"bestow/domain"
	"bestow/http/api"
	"bestow/http/client"
)

// Client returns the API of BESTOW_URL, opened by BESTOW_KEY.
func (t *Terminal) Client() (*client.Client, error) {
	key := t.Env("BESTOW_KEY")
	if key == "" {
		return nil, domain.InvalidError("BESTOW_KEY is not set",
			"set it to an API key: at the first set-up that is what the service has in BESTOW_ADMIN_KEY")
	}
	return client.New(t.URL(), key)
}

// URL returns BESTOW_URL, or where a service on this machine answers.
func (t *Terminal) URL() string {
	if url := t.Env("BESTOW_URL"); url != "" {
		return url
	}
	return "http://127.0.0.1:8080"
}

// ClientAndZone returns Client, and Zone for a command that prints times.
func (t *Terminal) ClientAndZone() (*client.Client, *time.Location, error) {
	zone, err := t.Zone()
	if err != nil {
		return nil, nil, err
	}
	c, err := t.Client()
	return c, zone, err
}

// EventArg is the event that a command is about.
type EventArg struct {
	Event string `arg:"" help:"The event's id or campaign_id; if a number is both, write id:7 or campaign:7."`
}

// Find asks the service for the event.
func (a EventArg) Find(ctx context.Context, t *Terminal) (*client.Client, api.Event, error) {
	c, err := t.Client()
	if err != nil {
		return nil, api.Event{}, err
	}
	e, err := c.FindEvent(ctx, a.Event)
	return c, e, err
}
