package lists

import (
	"context"
	"fmt"

	"bestow/internal/pg"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
)

// hidden is what the key of cursors seals.
var hidden = seal.AAD("cursor")

// Hide seals a member's id for a cursor of a caller who sees masked ids only.
func (s *Lists) Hide(ctx context.Context, member string) ([]byte, error) {
	key, err := s.cursorKey(ctx)
	if err != nil {
		return nil, err
	}
	return key.Seal([]byte(member), hidden), nil
}

// Reveal returns the member's id that Hide has sealed. Error: seal.ErrOpen for anything else.
func (s *Lists) Reveal(ctx context.Context, sealed []byte) (string, error) {
	key, err := s.cursorKey(ctx)
	if err != nil {
		return "", err
	}
	member, err := key.Open(sealed, hidden)
	return string(member), err
}

// cursorKey reads the key of cursors, which all processes of an installation share.
func (s *Lists) cursorKey(ctx context.Context) (*seal.Key, error) {
	raw, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (raw []byte, err error) {
		err = tx.QueryRow(ctx, `SELECT cursor_key FROM installation`).Scan(&raw)
		return raw, err
	})
	if err != nil {
		return nil, fmt.Errorf("read key of cursors: %w", err)
	}
	return seal.FromBare(append([]byte{0}, raw...))
}
