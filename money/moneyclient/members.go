package moneyclient

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"bestow/money"
	"bestow/money/moneyhttp/wire"
)

// Member asks what a member has. A member that no movement knows has nothing.
func (c *Client) Member(ctx context.Context, memberID string) (m wire.Member, err error) {
	_, err = c.do(ctx, http.MethodGet, memberRoute(memberID), nil, nil, &m)
	return m, err
}

// Movements asks for a page of a member's history, newest first.
func (c *Client) Movements(ctx context.Context, q money.HistoryQuery) (page wire.Movements, err error) {
	query := url.Values{"limit": {strconv.Itoa(cmp.Or(q.Limit, wire.DefaultPage))}}
	for name, at := range map[string]*time.Time{"from": q.From, "to": q.To} {
		if at != nil {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	for name, value := range map[string]string{"cursor": q.Before, "kind": string(q.Kind)} {
		if value != "" {
			query.Set(name, value)
		}
	}
	_, err = c.do(ctx, http.MethodGet, memberRoute(q.MemberID)+"/movements?"+query.Encode(), nil, nil, &page)
	return page, err
}

// Movement asks for one movement of a member with its lots.
func (c *Client) Movement(ctx context.Context, memberID, txID string) (m wire.Movement, err error) {
	_, err = c.do(ctx, http.MethodGet, movementRoute(memberID, txID), nil, nil, &m)
	return m, err
}

// Lots asks for a page of a member's lots, newest first.
func (c *Client) Lots(ctx context.Context, q money.LotsQuery) (page wire.Lots, err error) {
	query := url.Values{"limit": {strconv.Itoa(cmp.Or(q.Limit, wire.DefaultPage))}}
	if q.Before != "" {
		query.Set("cursor", q.Before)
	}
	_, err = c.do(ctx, http.MethodGet, memberRoute(q.MemberID)+"/lots?"+query.Encode(), nil, nil, &page)
	return page, err
}

// Lot asks for the lot of a save with what was drawn from it.
func (c *Client) Lot(ctx context.Context, memberID, txID string) (l wire.Lot, err error) {
	_, err = c.do(ctx, http.MethodGet, memberRoute(memberID)+"/lots/"+segment(txID), nil, nil, &l)
	return l, err
}

// Use takes points from a member's lots, once for the key of s. replayed reports whether the key stood for that
// already.
func (c *Client) Use(ctx context.Context, s money.Spending) (m wire.Moved, replayed bool, err error) {
	asked := wire.Use{Amount: s.Amount, TypeCode: s.TypeCode, Ref: s.Ref, Reason: s.Reason}
	header, err := c.do(ctx, http.MethodPost, memberRoute(s.MemberID)+"/uses", keyed(s.Key), asked, &m)
	return m, header.Get(headerReplayed) == "true", err
}

// Cancel undoes a use or a save of a member, once for the key of asked. replayed reports whether the key stood for that
// already.
func (c *Client) Cancel(ctx context.Context, asked money.Cancel) (done wire.Cancelled, replayed bool, err error) {
	body := wire.Cancel{
		Amount: wire.GivenAmount(asked.Amount), OnExpiredLot: string(asked.OnExpiredLot),
		OnUsed: string(asked.OnUsed), Reason: asked.Reason,
	}
	header, err := c.do(ctx, http.MethodPost, movementRoute(asked.MemberID, asked.TxID)+"/cancel", keyed(asked.Key),
		body, &done)
	return done, header.Get(headerReplayed) == "true", err
}

const (
	headerKey      = "Idempotency-Key"
	headerReplayed = "Idempotency-Replayed"
)

func keyed(key string) http.Header { return http.Header{headerKey: {key}} }

func memberRoute(memberID string) string { return "members/" + segment(memberID) }

func movementRoute(memberID, txID string) string {
	return memberRoute(memberID) + "/movements/" + segment(txID)
}

// segment escapes an id for a path. A dot is escaped too: the ids . and .. would lead to another route.
func segment(id string) string { return strings.ReplaceAll(url.PathEscape(id), ".", "%2E") }
