package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"bestow/app"
	"bestow/app/keys"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/seal"
	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

var _ app.Sealer = sealer{}

// sealer keeps the PINs of vouchers that the campaign side remembers, under a key per event (pin_keys) that the master
// key wraps.
type sealer struct{ keys keys.Store }

func newSealer(master *seal.Master) sealer {
	return sealer{keys.Store{Table: keys.Pins, Master: master, WrappedOnly: true}}
}

// Seal implements app.Sealer: each PIN's ciphertext, in base64, bound to the event, the member and the field. It waits
// for nobody but the transaction that is just making the same event's key.
func (s sealer) Seal(ctx context.Context, tx pgx.Tx, eventID int64, members, pins []string) ([]string, error) {
	if len(members) != len(pins) {
		return nil, fmt.Errorf("seal PINs of event %d: %d members and %d PINs", eventID, len(members), len(pins))
	}
	key, err := s.keys.Key(ctx, tx, eventID)
	if errors.Is(err, pgx.ErrNoRows) {
		if err = s.createKey(ctx, tx, eventID); err == nil {
			key, err = s.keys.Key(ctx, tx, eventID)
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
	key, err := s.keys.Key(ctx, tx, eventID)
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

// createKey stores a new key for the event. Of two that do so at once one wins, the other waits for it and reads.
func (s sealer) createKey(ctx context.Context, tx pgx.Tx, eventID int64) error {
	key, err := seal.NewKey()
	if err != nil {
		return err
	}
	if err := s.keys.Insert(ctx, tx, eventID, key); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.SettleKeyStored)
}

// checkMaster refuses a master key that does not open what is there.
func checkMaster(ctx context.Context, pool *pgxpool.Pool, master *seal.Master, l *money.Ledger) error {
	content := keys.Store{Table: keys.Content, Master: master}
	err := errors.Join(newSealer(master).keys.CheckMaster(ctx, pool), content.CheckMaster(ctx, pool), l.CheckMaster(ctx))
	if errors.Is(err, seal.ErrOpen) {
		return fmt.Errorf("BESTOW_MASTER_KEY is another key than the one that the vouchers' PINs were sealed under, "+
			"and the lists' hashes made: start with that one: %w", err)
	}
	return err
}

func pinAAD(eventID int64, member string) []byte {
	return seal.AAD(strconv.FormatInt(eventID, 10), member, "voucher_pin")
}
