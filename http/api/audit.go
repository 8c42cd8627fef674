package api

import (
	"encoding/json"
	"time"
)

// AuditEntry is one change by a person or a key.
type AuditEntry struct {
	ID        int64           `json:"id"`
	At        time.Time       `json:"at"`
	Actor     string          `json:"actor" doc:"the name of the key; host:USER for the command line on the server"`
	KeyID     *int64          `json:"key_id" doc:"null for BESTOW_ADMIN_KEY, and on the server"`
	Action    string          `json:"action" example:"event.start"`
	EventID   *int64          `json:"event_id" doc:"of an event that may be deleted since"`
	Object    string          `json:"object" example:"event 7"`
	Before    json.RawMessage `json:"before" doc:"null: it was made"`
	After     json.RawMessage `json:"after" doc:"null: it was deleted"`
	Reason    *string         `json:"reason" doc:"as the person gave it"`
	RequestID *string         `json:"request_id"`
}

// AuditPage is one page of changes, newest first.
type AuditPage struct {
	Items      []AuditEntry `json:"items"`
	NextCursor *string      `json:"next_cursor" doc:"ask for the next page with it; null on the last one"`
}
