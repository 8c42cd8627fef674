package client

import (
	"context"
	"net/http"

	"bestow/http/api"
)

// System shows how the installation is.
func (c *Client) System(ctx context.Context) (api.System, error) {
	var sys api.System
	return sys, c.call(ctx, request{method: http.MethodGet, path: "/system"}, &sys)
}
