package api

import (
	"encoding/json"
	"time"
)

// NewKey is the body of POST /keys.
type NewKey struct {
	Name      string     `json:"name" minLength:"1" maxLength:"50" doc:"of the person or service that has the key; it stands in created_by and in the audit. A name that is used already gets a second key" example:"crm"`
	Role      string     `json:"role" enum:"viewer,operator,approver,admin"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"within five years; without it after 365 days"`
}

// Key is a key as it is kept: its text is shown once, when it is made.
type Key struct {
	ID         int64      `json:"id"`
	Name       string     `json:"name"`
	Role       string     `json:"role" enum:"viewer,operator,approver,admin"`
	Prefix     string     `json:"prefix" doc:"how the key begins, by which people tell keys apart"`
	CreatedBy  string     `json:"created_by"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at" doc:"to the minute"`
	RevokedAt  *time.Time `json:"revoked_at"`
	RevokedBy  *string    `json:"revoked_by"`
}

// MadeKey is the answer to POST /keys.
type MadeKey struct {
	Key

	Secret string `json:"key" doc:"the key itself, which is shown this once"`
}

// Keys lists all keys, newest first.
type Keys struct {
	Items []Key `json:"items"`
}

// AuditEntry is one change by a person or a key.
type AuditEntry struct {
	ID        int64           `json:"id"`
	At        time.Time       `json:"at"`
	Actor     string          `json:"actor" doc:"the name of the person or the service; host:USER for the command line on the server, address:IP for a refused sign-in"`
	KeyID     *int64          `json:"key_id" doc:"null for BESTOW_ADMIN_KEY, a session, and on the server"`
	Action    string          `json:"action" example:"event.start"`
	EventID   *int64          `json:"event_id" doc:"of an event that may be deleted since"`
	Object    string          `json:"object" example:"event 7"`
	Before    json.RawMessage `json:"before" doc:"null: it was made"`
	After     json.RawMessage `json:"after" doc:"null: it was deleted"`
	Reason    *string         `json:"reason" doc:"as the person gave it"`
	RequestID *string         `json:"request_id"`
	SessionID *int64          `json:"session_id" doc:"null for a key, and on the server"`
}

// AuditPage is one page of changes, newest first.
type AuditPage struct {
	Items      []AuditEntry `json:"items"`
	NextCursor *string      `json:"next_cursor" doc:"ask for the next page with it; null on the last one"`
}
