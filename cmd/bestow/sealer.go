package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"bestow/app"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/internal/seal"
	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

var _ app.Sealer = sealer{}

// sealer keeps the PINs of vouchers that the campaign side remembers, under a key per event (pin_keys) that the master
// key wraps.
type sealer struct{ master *seal.Master }

func newSealer(master *seal.Master) sealer { return sealer{master} }

// Seal implements app.Sealer: each PIN's ciphertext, in base64, bound to the event, the member and the field. It waits
// for nobody but the transaction that is just making the same event's key.
func (s sealer) Seal(ctx context.Context, tx pgx.Tx, eventID int64, members, pins []string) ([]string, error) {
	if len(members) != len(pins) {
		return nil, fmt.Errorf("seal PINs of event %d: %d members and %d PINs", eventID, len(members), len(pins))
	}
	key, err := s.key(ctx, tx, eventID)
	if errors.Is(err, pgx.ErrNoRows) {
		if err = s.createKey(ctx, tx, eventID); err == nil {
			key, err = s.key(ctx, tx, eventID)
		}
	}
	if errors.Is(err, seal.ErrOpen) { // wrapped by another master key
		return nil, fmt.Errorf("seal PINs of event %d: %w: %w", eventID, &domain.Error{Code: domain.MissingKeys,
			Message: "BESTOW_MASTER_KEY is not the one that the event's key was wrapped with", Hint: "set the right one and resume"}, err)
	}
	if err != nil {
		return nil, fmt.Errorf("seal PINs of event %d: %w", eventID, err)
	}
	sealed := make([]string, len(pins))
	for n, pin := range pins {
		sealed[n] = base64.StdEncoding.EncodeToString(key.Seal([]byte(pin), pinAAD(eventID, members[n])))
	}
	return sealed, nil
}

// Open returns the PIN that Seal was given for the same event and member. Whoever calls it has checked the role and
// writes the audit record in tx. Errors: pgx.ErrNoRows where the event has no key, seal.ErrOpen for what another key, or
// another member's PIN, is.
func (s sealer) Open(ctx context.Context, tx pgx.Tx, eventID int64, member, sealed string) (string, error) {
	key, err := s.key(ctx, tx, eventID)
	if err != nil {
		return "", fmt.Errorf("open PIN of event %d: %w", eventID, err)
	}
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", fmt.Errorf("open PIN of event %d: it is not base64: %w", eventID, seal.ErrOpen)
	}
	pin, err := key.Open(raw, pinAAD(eventID, member))
	if err != nil {
		return "", fmt.Errorf("open PIN of event %d: %w", eventID, err)
	}
	return string(pin), nil
}

// key is not kept from one transaction to the next: the one that made it may have been rolled back.
func (s sealer) key(ctx context.Context, tx pgx.Tx, eventID int64) (*seal.Key, error) {
	var wrapped []byte
	if err := tx.QueryRow(ctx, `SELECT wrapped FROM pin_keys WHERE event_id = $1`, eventID).Scan(&wrapped); err != nil {
		return nil, fmt.Errorf("read PIN key: %w", err)
	}
	key, err := s.master.Unwrap(wrapped, keyAAD(eventID))
	if err != nil {
		return nil, fmt.Errorf("open PIN key (is it another master key?): %w", err)
	}
	return key, nil
}

// createKey stores a new key for the event. Of two that do so at once one wins, the other waits for it and reads.
func (s sealer) createKey(ctx context.Context, tx pgx.Tx, eventID int64) error {
	key, err := seal.NewKey()
	if err != nil {
		return err
	}
	const insert = `INSERT INTO pin_keys (event_id, wrapped) VALUES ($1, $2) ON CONFLICT (event_id) DO NOTHING`
	if _, err := tx.Exec(ctx, insert, eventID, s.master.Wrap(key, keyAAD(eventID))); err != nil {
		return fmt.Errorf("store PIN key: %w", err)
	}
	return failpoint.Hit(ctx, failpoint.SettleKeyStored)
}

// check is seal.ErrOpen if the PINs of the last event were sealed under another master key.
func (s sealer) check(ctx context.Context, pool *pgxpool.Pool) error {
	return pg.InTx(ctx, pool, func(tx pgx.Tx) error {
		var eventID int64
		err := tx.QueryRow(ctx, `SELECT event_id FROM pin_keys ORDER BY event_id DESC LIMIT 1`).Scan(&eventID)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read PIN key: %w", err)
		}
		_, err = s.key(ctx, tx, eventID)
		return err
	})
}

// checkMaster refuses a master key that does not open what is there.
func checkMaster(ctx context.Context, pool *pgxpool.Pool, s sealer, l *money.Ledger) error {
	err := errors.Join(s.check(ctx, pool), l.CheckMaster(ctx))
	if errors.Is(err, seal.ErrOpen) {
		return fmt.Errorf("BESTOW_MASTER_KEY is another key than the one that the vouchers' PINs were sealed under: start with that one: %w", err)
	}
	return err
}

func keyAAD(eventID int64) []byte { return seal.AAD("pin_keys", strconv.FormatInt(eventID, 10)) }

func pinAAD(eventID int64, member string) []byte {
	return seal.AAD(strconv.FormatInt(eventID, 10), member, "voucher_pin")
}
