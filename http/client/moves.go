package client

import (
	"context"
	"net/http"

	"bestow/http/api"
)

// ResumeEvent lets a stopped event go on.
func (c *Client) ResumeEvent(ctx context.Context, id int64) (api.Event, error) {
	var e api.Event
	return e, c.call(ctx, request{method: http.MethodPost, path: eventPath(id) + "/resume"}, &e)
}

// StopEvent stops an event. Draining of the answer counts its open claims.
func (c *Client) StopEvent(ctx context.Context, id int64, memo string) (api.Stopped, error) {
	var s api.Stopped
	return s, c.call(ctx, request{method: http.MethodPost, path: eventPath(id) + "/stop", body: api.Stop{Memo: memo}},
		&s)
}

// StopAll engages the brake of all events.
func (c *Client) StopAll(ctx context.Context, memo string) (api.Braked, error) {
	var s api.Braked
	return s, c.call(ctx, request{method: http.MethodPost, path: "/stop-all", body: api.Stop{Memo: memo}}, &s)
}

// Retry redrives what was given up, and brings waiting retries forward.
func (c *Client) Retry(ctx context.Context, id int64, what api.Retry) (api.Retried, error) {
	var r api.Retried
	return r, c.call(ctx, request{method: http.MethodPost, path: eventPath(id) + "/retry", body: what}, &r)
}

// Brakes lists the engaged brakes.
func (c *Client) Brakes(ctx context.Context) (api.Brakes, error) {
	var b api.Brakes
	return b, c.call(ctx, request{method: http.MethodGet, path: "/brake"}, &b)
}

// EngageBrake engages a brake and stops the running events in its scope. Draining of each counts its open claims.
func (c *Client) EngageBrake(ctx context.Context, order api.BrakeOrder) (api.Braked, error) {
	var b api.Braked
	return b, c.call(ctx, request{method: http.MethodPost, path: "/brake", body: order}, &b)
}

// ReleaseBrake releases a brake and returns those that are still engaged.
func (c *Client) ReleaseBrake(ctx context.Context, order api.BrakeOrder) (api.Brakes, error) {
	var b api.Brakes
	return b, c.call(ctx, request{method: http.MethodPost, path: "/brake/release", body: order}, &b)
}
