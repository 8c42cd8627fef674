package keys

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The tables of keys.
const (
	Pins      = "pin_keys"
	Content   = "event_keys"
	Passwords = "passwords" // a person's key, of which the codes are made, by principal_id
)

// Errors of a key that is there and cannot be used. Another master key's is seal.ErrOpen.
var (
	// ErrNoMaster is returned for a wrapped key where there is no master key.
	ErrNoMaster = errors.New("the key is wrapped, and there is no master key")
	// ErrBare is returned for a key that lies in the database as it is, where only wrapped ones count.
	ErrBare = errors.New("the key lies in the database as it is")
)

// Store is the table of one purpose's keys.
type Store struct {
	Table       string       // Pins, Content or Passwords
	Master      *seal.Master // nil: there is none
	WrappedOnly bool         // a key that no master key has wrapped is neither made nor used
}

// id returns the column of what a key belongs to.
func (s Store) id() string {
	if s.Table == Passwords {
		return "principal_id"
	}
	return "event_id"
}

// owner names what the key with the id belongs to.
func (s Store) owner(id int64) string {
	if s.Table == Passwords {
		return fmt.Sprintf("principal %d", id)
	}
	return fmt.Sprintf("event %d", id)
}

// Key reads the owner's key. Errors: pgx.ErrNoRows, and those of Open.
func (s Store) Key(ctx context.Context, tx pgx.Tx, ownerID int64) (*seal.Key, error) {
	var kept []byte
	query := `SELECT wrapped FROM ` + pgx.Identifier{s.Table}.Sanitize() + ` WHERE ` + s.id() + ` = $1`
	if err := tx.QueryRow(ctx, query, ownerID).Scan(&kept); err != nil {
		return nil, fmt.Errorf("read key of %s: %w", s.owner(ownerID), err)
	}
	return s.Open(ownerID, kept)
}

// Open returns the key that is kept as a row of the table has it. Errors: ErrNoMaster, ErrBare, seal.ErrOpen.
func (s Store) Open(ownerID int64, kept []byte) (key *seal.Key, err error) {
	switch {
	case seal.IsBare(kept) && s.WrappedOnly:
		err = ErrBare
	case seal.IsBare(kept):
		key, err = seal.FromBare(kept)
	case s.Master == nil:
		err = ErrNoMaster
	default:
		key, err = s.Master.Unwrap(kept, s.aad(ownerID))
	}
	if errors.Is(err, seal.ErrOpen) {
		return nil, fmt.Errorf("open key of %s (is it another master key?): %w", s.owner(ownerID), err)
	}
	if err != nil {
		return nil, fmt.Errorf("open key of %s: %w", s.owner(ownerID), err)
	}
	return key, nil
}

// Makes returns nil if a new key can be kept. Error: ErrNoMaster.
func (s Store) Makes() error {
	if s.Master == nil && s.WrappedOnly {
		return ErrNoMaster
	}
	return nil
}

// Insert keeps a new key of an event. Of two that do so at once one wins: the other waits for it and changes nothing,
// and must read. Error: ErrNoMaster.
func (s Store) Insert(ctx context.Context, tx pgx.Tx, eventID int64, key *seal.Key) error {
	if err := s.Makes(); err != nil {
		return err
	}
	insert := `INSERT INTO ` + pgx.Identifier{s.Table}.Sanitize() +
		` (event_id, wrapped) VALUES ($1, $2) ON CONFLICT (event_id) DO NOTHING`
	if _, err := tx.Exec(ctx, insert, eventID, s.Kept(eventID, key)); err != nil {
		return fmt.Errorf("store key of %s: %w", s.owner(eventID), err)
	}
	return nil
}

// Kept returns the owner's key as a row of the table has it: wrapped, or bare if there is no master key.
func (s Store) Kept(ownerID int64, key *seal.Key) []byte {
	if s.Master == nil {
		return key.Bare()
	}
	return s.Master.Wrap(key, s.aad(ownerID))
}

// CheckMaster returns seal.ErrOpen if the last key that was wrapped is another master key's.
func (s Store) CheckMaster(ctx context.Context, pool *pgxpool.Pool) error {
	var ownerID int64
	var kept []byte
	query := `SELECT ` + s.id() + `, wrapped FROM ` + pgx.Identifier{s.Table}.Sanitize() + `
		WHERE substr(wrapped, 1, 1) <> '\x00' ORDER BY 1 DESC LIMIT 1`
	err := pool.QueryRow(ctx, query).Scan(&ownerID, &kept)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read last of %s: %w", s.Table, err)
	}
	_, err = s.Open(ownerID, kept)
	return err
}

func (s Store) aad(ownerID int64) []byte { return seal.AAD(s.Table, strconv.FormatInt(ownerID, 10)) }
