package command

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Change says for the audit what a caller has changed.
type Change struct {
	Action        string // what was done, as in event.start
	EventID       int64  // 0: it is not of an event
	Object        string // what was changed, as in key 3; "" for the event itself
	Before, After any    // as JSON shows it; nil: it was made, or deleted
	Reason        string // as the person gave it; "" takes the caller's
}

// Record keeps the change for the audit, in the transaction that makes it. Without an actor it keeps nothing: what the
// service does by itself is no change by a person or a key.
func Record(ctx context.Context, tx pgx.Tx, by Caller, c Change) error {
	if by.Actor == "" {
		return nil
	}
	before, err := optionalJSON(c.Before)
	if err != nil {
		return err
	}
	after, err := optionalJSON(c.After)
	if err != nil {
		return err
	}
	if c.Object == "" {
		c.Object = fmt.Sprintf("event %d", c.EventID)
	}
	if c.Reason == "" {
		c.Reason = by.Reason
	}
	const insert = `INSERT INTO audit_log (actor, key_id, action, event_id, object, before, after, reason, request_id,
			session_id)
		VALUES ($1, nullif($2::bigint, 0), $3, nullif($4::bigint, 0), $5, $6, $7, nullif($8, ''), nullif($9, ''),
			nullif($10::bigint, 0))`
	if _, err := tx.Exec(ctx, insert, by.Actor, by.KeyID, c.Action, c.EventID, c.Object, before, after, c.Reason,
		by.RequestID, by.SessionID); err != nil {
		return fmt.Errorf("record %s: %w", c.Action, err)
	}
	return nil
}

// optionalJSON returns v as JSON, nil for nil.
func optionalJSON(v any) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("record change: %w", err)
	}
	return text, nil
}
