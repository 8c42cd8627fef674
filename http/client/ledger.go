package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"bestow/http/api"
)

// LedgerForecast returns what members have, and when it expires, as the ledger has counted it last. Error:
// domain.Unavailable while the ledger is away.
func (c *Client) LedgerForecast(ctx context.Context) (f api.LedgerForecast, err error) {
	return f, c.call(ctx, request{method: http.MethodGet, path: "/ledger/forecast"}, &f)
}

// LedgerTotals returns what became of all that was saved, as the ledger has counted it last. Error: domain.Unavailable
// while the ledger is away.
func (c *Client) LedgerTotals(ctx context.Context) (t api.LedgerTotals, err error) {
	return t, c.call(ctx, request{method: http.MethodGet, path: "/ledger/totals"}, &t)
}

// Policies returns a page of the accrual policies in the order of their codes. Error: domain.Unavailable while the
// ledger is away.
func (c *Client) Policies(ctx context.Context, limit int, cursor string) (page api.Policies, err error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	return page, c.call(ctx, request{method: http.MethodGet, path: "/ledger/policies", query: query}, &page)
}

// CreatePolicy makes an accrual policy. Errors: domain.Invalid, PolicyExists, Unavailable.
func (c *Client) CreatePolicy(ctx context.Context, n api.NewPolicy) (p api.Policy, err error) {
	return p, c.call(ctx, request{method: http.MethodPost, path: "/ledger/policies", body: n}, &p)
}

// SetPolicyStatus retires an accrual policy or brings it back. Errors: domain.NotFound, Unavailable.
func (c *Client) SetPolicyStatus(ctx context.Context, code, status string) (p api.Policy, err error) {
	return p, c.call(ctx, request{
		method: http.MethodPatch, path: "/ledger/policies/" + url.PathEscape(code), body: api.PolicyPatch{Status: status},
	}, &p)
}

// Lots returns a page of a member's lots, the newest first, and what became of them. Error: domain.Unavailable while
// the ledger is away.
func (c *Client) Lots(ctx context.Context, member string, limit int, cursor string) (page api.Lots, err error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	return page, c.call(ctx, request{
		method: http.MethodGet, path: "/members/" + url.PathEscape(member) + "/lots", query: query,
	}, &page)
}

// Lot returns the lot of a save, and what was drawn from it. Errors: domain.NotFound, Unavailable.
func (c *Client) Lot(ctx context.Context, member, moneyTxID string) (l api.Lot, err error) {
	path := "/members/" + url.PathEscape(member) + "/lots/" + url.PathEscape(moneyTxID)
	return l, c.call(ctx, request{method: http.MethodGet, path: path}, &l)
}
