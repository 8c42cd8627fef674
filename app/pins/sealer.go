package pins

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"bestow/app/grants"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/keys"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

var _ grants.Sealer = Sealer{}

// Sealer seals the PINs of vouchers that the campaign side remembers, under a key per event (pin_keys) that the master
// key wraps.
type Sealer struct{ keys keys.Store }

// NewSealer returns a sealer whose keys master wraps.
func NewSealer(master *seal.Master) Sealer {
	return Sealer{keys.Store{Table: keys.Pins, Master: master, WrappedOnly: true}}
}

// Seal implements grants.Sealer: each PIN's ciphertext, in base64, bound to the event, the member and the field. It
// waits only for a transaction that is just making the same event's key.
func (s Sealer) Seal(ctx context.Context, tx pgx.Tx, eventID int64, members, pins []string) ([]string, error) {
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
		return nil, fmt.Errorf("seal PINs of event %d: %w: %w", eventID, domain.MissingKeysError(
			"BESTOW_MASTER_KEY is not the one that the event's key was wrapped with",
			"set the right one and resume",
		), err)
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

// createKey stores a new key for the event. Of two transactions that do so at once one wins; the other waits and reads.
func (s Sealer) createKey(ctx context.Context, tx pgx.Tx, eventID int64) error {
	key, err := seal.NewKey()
	if err != nil {
		return err
	}
	if err := s.keys.Insert(ctx, tx, eventID, key); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.SettleKeyStored)
}

// CheckMaster returns seal.ErrOpen if the last key of PINs was wrapped by another master key.
func CheckMaster(ctx context.Context, pool *pgxpool.Pool, master *seal.Master) error {
	return NewSealer(master).keys.CheckMaster(ctx, pool)
}

// Rewrap wraps every key of PINs by the master key to, and returns how many keys to has wrapped then. Error:
// seal.ErrOpen for a key that neither master key has wrapped.
func Rewrap(ctx context.Context, tx pgx.Tx, from, to *seal.Master) (int, error) {
	return NewSealer(from).keys.Rewrap(ctx, tx, to)
}

func pinAAD(eventID int64, member string) []byte {
	return seal.AAD(strconv.FormatInt(eventID, 10), member, "voucher_pin")
}
