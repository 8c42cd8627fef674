package client

import (
	"context"
	"net/http"

	"bestow/http/api"
)

// System returns the state of the installation.
func (c *Client) System(ctx context.Context) (api.System, error) {
	var sys api.System
	return sys, c.call(ctx, request{method: http.MethodGet, path: "/system"}, &sys)
}

// Queue returns the lanes with events that run or will run, in their order.
func (c *Client) Queue(ctx context.Context) (api.Queue, error) {
	var q api.Queue
	return q, c.call(ctx, request{method: http.MethodGet, path: "/queue"}, &q)
}
