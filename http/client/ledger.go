package client

import (
	"context"
	"net/http"

	"bestow/http/api"
)

// LedgerForecast returns what members have, and when it expires, as the ledger has counted it last. Error:
// domain.Unavailable while the ledger is away.
func (c *Client) LedgerForecast(ctx context.Context) (f api.LedgerForecast, err error) {
	return f, c.call(ctx, request{method: http.MethodGet, path: "/ledger/forecast"}, &f)
}
