package moneyclient

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"bestow/money/moneyhttp/wire"
)

// Policies asks for a page of the accrual policies in the order of their codes: those with the status, "" for all,
// behind the cursor of the page before.
func (c *Client) Policies(ctx context.Context, status, cursor string, limit int) (page wire.Policies, err error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if status != "" {
		query.Set("status", status)
	}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	_, err = c.do(ctx, http.MethodGet, "policies?"+query.Encode(), nil, nil, &page)
	return page, err
}

// Policy asks for one policy, and for the ETag of its state.
func (c *Client) Policy(ctx context.Context, code string) (p wire.Policy, tag string, err error) {
	header, err := c.do(ctx, http.MethodGet, policyRoute(code), nil, nil, &p)
	return p, header.Get("ETag"), err
}

// CreatePolicy makes a policy of terms, which names fields as JSON does. It may be asked again: with the same terms
// nothing changes, and replayed is true.
func (c *Client) CreatePolicy(ctx context.Context, terms map[string]any) (p wire.Policy, replayed bool, err error) {
	header, err := c.do(ctx, http.MethodPost, "policies", nil, terms, &p)
	return p, header.Get(headerReplayed) == "true", err
}

// EditPolicy changes a policy that is in the state with the ETag. In patch, which names fields as JSON does, nil
// clears.
func (c *Client) EditPolicy(ctx context.Context, code, tag string, patch map[string]any) (p wire.Policy, err error) {
	_, err = c.do(ctx, http.MethodPatch, policyRoute(code), http.Header{"If-Match": {tag}}, patch, &p)
	return p, err
}

// Forecast asks what will expire, with the first days of it by day: 0 to [money.ForecastDays].
func (c *Client) Forecast(ctx context.Context, days int) (f wire.Forecast, err error) {
	_, err = c.do(ctx, http.MethodGet, "expiry/forecast?days="+strconv.Itoa(days), nil, nil, &f)
	return f, err
}

// Totals asks what became of all that was saved, by type and by policy.
func (c *Client) Totals(ctx context.Context) (t wire.Totals, err error) {
	_, err = c.do(ctx, http.MethodGet, "totals", nil, nil, &t)
	return t, err
}

func policyRoute(code string) string { return "policies/" + url.PathEscape(code) }
