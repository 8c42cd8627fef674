package client

import (
	"context"
	"net/http"

	"bestow/http/api"
)

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
