// Package listkey holds the key of an event under which its member list is hashed: made by the first import, read by
// what checks the list after it.
//
// Start with Keys. The formats of the hashes are package domain/content's, the table is package internal/keys'.
package listkey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/keys"
	"bestow/internal/obs"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
)

// Keys are the keys of all events.
type Keys struct {
	Master *seal.Master // nil: the keys lie in the database as they are
	// WrappedOnly refuses keys that no master key has wrapped: in production they prove nothing.
	WrappedOnly bool
	Log         *slog.Logger
}

func (k Keys) store() keys.Store {
	return keys.Store{Table: keys.Content, Master: k.Master, WrappedOnly: k.WrappedOnly}
}

// ForImport returns the key of the event: a new one where it has none, which Insert is to store. Error:
// domain.MissingKeys.
func (k Keys) ForImport(ctx context.Context, tx pgx.Tx, eventID int64) (key *seal.Key, isNew bool, err error) {
	store := k.store()
	if key, err = store.Key(ctx, tx, eventID); !errors.Is(err, pgx.ErrNoRows) {
		return key, false, Missing(err)
	}
	if err := store.Makes(); err != nil {
		return nil, false, Missing(err)
	}
	key, err = seal.NewKey()
	return key, true, err
}

// Insert stores the key that ForImport has made. The import does so late: the row refers to the event, and an edit of
// the event must not wait for an upload.
func (k Keys) Insert(ctx context.Context, tx pgx.Tx, eventID int64, key *seal.Key) error {
	if k.Master == nil {
		k.Log.WarnContext(ctx, "the key of the event's hash lies in the same database: set BESTOW_MASTER_KEY",
			obs.EventID, eventID)
	}
	return k.store().Insert(ctx, tx, eventID, key)
}

// Key returns the key under which the event's list was hashed. Errors: domain.ContentChanged where it is gone,
// MissingKeys.
func (k Keys) Key(ctx context.Context, tx pgx.Tx, eventID int64) (*seal.Key, error) {
	key, err := k.store().Key(ctx, tx, eventID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, content.Changed("the key of its hash is gone")
	}
	return key, Missing(err)
}

// Missing turns the error of a key that is there, or should be, and cannot be used into domain.MissingKeys.
func Missing(err error) error {
	var message, hint string
	switch {
	case errors.Is(err, keys.ErrNoMaster):
		message = "the key of the list's hash needs a master key, and there is none"
		hint = "set BESTOW_MASTER_KEY to the one that the service has, or had at the import, restart, " +
			"and try again"
	case errors.Is(err, keys.ErrBare):
		message = "the key of the list's hash lies in the database as it is, which production refuses: " +
			"the list was imported without a master key"
		hint = "import the list into a new event, now that there is a master key"
	case errors.Is(err, seal.ErrOpen):
		message = "the key of the list's hash was wrapped by another master key, or was changed"
		hint = "set BESTOW_MASTER_KEY to the one that the service had at the import, restart, and try again"
	default:
		return err
	}
	return fmt.Errorf("%w: %w", domain.MissingKeysError(message, hint), err)
}
