package access

import (
	"context"
	"time"

	"bestow/app/audit"
	"bestow/http/api"
	"bestow/http/web"
)

// AuditIn is a request for a page of the audit.
type AuditIn struct {
	EventID int64     `query:"event_id" minimum:"1" doc:"only what was done with the event"`
	Actor   string    `query:"actor" maxLength:"50" doc:"only what this one did"`
	Action  string    `query:"action" maxLength:"50" doc:"only this action, as in event.start"`
	Object  string    `query:"object" maxLength:"200" doc:"only what was done with an object that has this in its name, as in key 3"`
	Since   time.Time `query:"since" doc:"only what was done at this moment or later"`
	Until   time.Time `query:"until" doc:"only what was done before this moment"`
	Limit   int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor  string    `query:"cursor" maxLength:"100" doc:"next_cursor of the page before"`
}

// AuditOut is a page of the audit.
type AuditOut struct{ Body api.AuditPage }

// ListAudit answers with a page of changes, the newest first.
func (h *Handlers) ListAudit(ctx context.Context, in *AuditIn) (*AuditOut, error) {
	before, err := web.AuditCursor.Read(in.Cursor)
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"actor": in.Actor, "action": in.Action, "object": in.Object} {
		if err := web.CheckText(name, text); err != nil {
			return nil, err
		}
	}
	f := audit.Filter{
		EventID: in.EventID, Actor: in.Actor, Object: in.Object, Before: before, Limit: in.Limit + 1,
	}
	if in.Action != "" {
		f.Actions = []string{in.Action}
	}
	if !in.Since.IsZero() {
		f.Since = &in.Since
	}
	if !in.Until.IsZero() {
		f.Until = &in.Until
	}
	list, err := h.audit.List(ctx, f)
	if err != nil {
		return nil, err
	}
	list, next := web.Page(list, in.Limit, func(e audit.Entry) string { return web.AuditCursor.Write(e.ID) })
	out := &AuditOut{Body: api.AuditPage{Items: make([]api.AuditEntry, len(list)), NextCursor: next}}
	for i, e := range list {
		out.Body.Items[i] = wireEntry(e)
	}
	return out, nil
}

func wireEntry(e audit.Entry) api.AuditEntry {
	return api.AuditEntry{
		ID: e.ID, At: e.At.UTC(), Actor: e.Actor, KeyID: e.KeyID, Action: e.Action, EventID: e.EventID,
		Object: e.Object, Before: e.Before, After: e.After, Reason: e.Reason, RequestID: e.RequestID, SessionID: e.SessionID,
	}
}
