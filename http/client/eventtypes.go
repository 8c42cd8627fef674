package client

import (
	"context"
	"net/http"
	"net/url"

	"bestow/http/api"
)

// EventTypes lists the event types with their units and limits.
func (c *Client) EventTypes(ctx context.Context) (api.EventTypes, error) {
	var types api.EventTypes
	return types, c.call(ctx, request{method: http.MethodGet, path: "/event-types"}, &types)
}

// CreateEventType makes an event type. Errors: domain.Invalid, TypeExists, TypeReserved, GranterUnknown.
func (c *Client) CreateEventType(ctx context.Context, n api.NewEventType) (api.EventType, error) {
	var t api.EventType
	return t, c.call(ctx, request{method: http.MethodPost, path: "/event-types", body: n}, &t)
}

// EditEventType changes the unit, the limits or the label of an event type. The patch has the names of the API; nil
// clears. Error: domain.NotFound.
func (c *Client) EditEventType(ctx context.Context, code string, patch map[string]any) (api.EventType, error) {
	var t api.EventType
	return t, c.call(ctx, request{method: http.MethodPatch, path: "/event-types/" + url.PathEscape(code), body: patch},
		&t)
}
