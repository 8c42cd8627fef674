package app

import (
	"context"
	"errors"
	"fmt"

	"bestow/app/keys"
	"bestow/domain"
	"bestow/internal/obs"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
)

// contentKeys are the keys of the hashes of what is granted.
func (d Deps) contentKeys() keys.Store {
	return keys.Store{Table: keys.Content, Master: d.Master, WrappedOnly: d.WrappedKeysOnly}
}

// contentKey returns the key of the event's hashes: a new one where it has none, which keepContentKey is to store. Error:
// domain.MissingKeys.
func (d Deps) contentKey(ctx context.Context, tx pgx.Tx, eventID int64) (key *seal.Key, isNew bool, err error) {
	store := d.contentKeys()
	if key, err = store.Key(ctx, tx, eventID); !errors.Is(err, pgx.ErrNoRows) {
		return key, false, asMissingKey(err)
	}
	if err := store.Makes(); err != nil {
		return nil, false, asMissingKey(err)
	}
	key, err = seal.NewKey()
	return key, true, err
}

// keepContentKey stores the key that contentKey has made. The import does so late: the row refers to the event, and an edit
// of the event must not wait for an upload.
func (d Deps) keepContentKey(ctx context.Context, tx pgx.Tx, eventID int64, key *seal.Key) error {
	if d.Master == nil && d.Log != nil {
		d.Log.WarnContext(ctx, "the key of the event's hash lies in the same database: set BESTOW_MASTER_KEY", obs.EventID, eventID)
	}
	return d.contentKeys().Insert(ctx, tx, eventID, key)
}

// asMissingKey makes domain.MissingKeys of a key that is there, or should be, and cannot be used.
func asMissingKey(err error) error {
	refused := &domain.Error{Code: domain.MissingKeys}
	switch {
	case errors.Is(err, keys.ErrNoMaster):
		refused.Message = "the key of the list's hash needs a master key, and there is none"
		refused.Hint = "set BESTOW_MASTER_KEY to the one that the service has, or had at the import, restart, and try again"
	case errors.Is(err, keys.ErrBare):
		refused.Message = "the key of the list's hash lies in the database as it is, which production refuses: the list was imported without a master key"
		refused.Hint = "import the list into a new event, now that there is a master key"
	case errors.Is(err, seal.ErrOpen):
		refused.Message = "the key of the list's hash was wrapped by another master key, or was changed"
		refused.Hint = "set BESTOW_MASTER_KEY to the one that the service had at the import, restart, and try again"
	default:
		return err
	}
	return fmt.Errorf("%w: %w", refused, err)
}
