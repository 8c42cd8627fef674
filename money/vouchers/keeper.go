package vouchers

import (
	"context"
	"errors"
	"io"

	"bestow/internal/seal"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Keeper keeps vouchers: the keys under which they are sealed, and what becomes of them.
type Keeper struct {
	pool  *pgxpool.Pool
	vault *vault
	mint  mint
}

// Config holds what a keeper of vouchers stands on.
type Config struct {
	Pool   *pgxpool.Pool
	Master *seal.Master // nil: no voucher is issued or opened
	Random io.Reader    // of codes and PINs
}

// New returns the keeper of the vouchers in the database of c, or an error that says what c lacks.
func New(c Config) (*Keeper, error) {
	if c.Pool == nil || c.Random == nil {
		return nil, errors.New("vouchers need a pool and a source of random codes")
	}
	return &Keeper{c.Pool, newVault(c.Pool, c.Master), newMint(c.Random)}, nil
}

// HasMaster reports whether vouchers can be issued and opened.
func (k *Keeper) HasMaster() bool { return k.vault.master != nil }

// CheckMaster returns seal.ErrOpen if the vouchers that exist were sealed under another master key. Going on with a new
// one would leave some PINs under the one and some under the other.
func (k *Keeper) CheckMaster(ctx context.Context) error { return k.vault.check(ctx) }

// Keys returns what seals and opens the vouchers of refs, and makes the keys that do not exist yet. It works outside of
// any transaction of a grant. Error: ErrNoMaster.
func (k *Keeper) Keys(ctx context.Context, refs []string) (Keys, error) {
	keys, err := k.vault.of(ctx, refs)
	return Keys{k.mint, keys}, err
}
