package vouchers

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"bestow/internal/failpoint"
	"bestow/internal/seal"
	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// vault hands out the data keys under which vouchers are sealed, one for each ref, and the one whose HMAC keeps codes
// unique. They stand in money.seal_keys, wrapped by the master key.
type vault struct {
	pool   *pgxpool.Pool
	master *seal.Master

	mu   sync.Mutex
	keys map[string]*seal.Key // unwrapped, by ref; every one of them is committed
}

const (
	// ownRef says where the ledger's own key stands: no item has an empty ref.
	ownRef = ""
	// keysKept bounds the cache; a ledger works at few refs at a time.
	keysKept = 1000
)

func newVault(pool *pgxpool.Pool, master *seal.Master) *vault {
	return &vault{pool: pool, master: master, keys: map[string]*seal.Key{}}
}

// of returns the keys of refs and the ledger's own, and makes those that do not exist yet. It works outside of any
// transaction of a grant: a key that is in use must be there even if the grant is rolled back, and no other transaction
// must wait for a grant because of its key. Error: ErrNoMaster.
func (v *vault) of(ctx context.Context, refs []string) (map[string]*seal.Key, error) {
	if v.master == nil {
		return nil, money.ErrNoMaster
	}
	refs = append(slices.Clone(refs), ownRef)
	slices.Sort(refs)
	refs = slices.Compact(refs)
	keys, missing := v.cached(refs)
	if len(missing) == 0 {
		return keys, nil
	}
	stored, err := v.load(ctx, missing)
	if err != nil {
		return nil, err
	}
	if len(stored) < len(missing) {
		if err := v.create(ctx, missing, stored); err != nil {
			return nil, err
		}
		if stored, err = v.load(ctx, missing); err != nil {
			return nil, err
		}
	}
	return keys, v.unwrap(missing, stored, keys)
}

func (v *vault) cached(refs []string) (keys map[string]*seal.Key, missing []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	keys = make(map[string]*seal.Key, len(refs))
	for _, ref := range refs {
		if key, ok := v.keys[ref]; ok {
			keys[ref] = key
		} else {
			missing = append(missing, ref)
		}
	}
	return keys, missing
}

// load returns the wrapped keys of refs that are committed.
func (v *vault) load(ctx context.Context, refs []string) (map[string][]byte, error) {
	rows, err := v.pool.Query(ctx, `SELECT ref, wrapped FROM money.seal_keys WHERE ref = ANY ($1)`, refs)
	if err != nil {
		return nil, fmt.Errorf("read seal keys: %w", err)
	}
	stored := make(map[string][]byte, len(refs))
	var ref string
	var wrapped []byte
	_, err = pgx.ForEachRow(rows, []any{&ref, &wrapped}, func() error {
		stored[ref] = wrapped
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read seal keys: %w", err)
	}
	return stored, nil
}

// create stores a new key for each of refs that has none. Of two that do so at once one wins; the other's are thrown
// away before anything was sealed by them.
func (v *vault) create(ctx context.Context, refs []string, stored map[string][]byte) error {
	var missing []string
	var wrapped [][]byte
	for _, ref := range refs {
		if _, ok := stored[ref]; ok {
			continue
		}
		key, err := seal.NewKey()
		if err != nil {
			return fmt.Errorf("make seal key: %w", err)
		}
		missing, wrapped = append(missing, ref), append(wrapped, v.master.Wrap(key, wrapAAD(ref)))
	}
	const insert = `INSERT INTO money.seal_keys (ref, wrapped)
		SELECT ref, wrapped FROM unnest($1::text[], $2::bytea[]) k (ref, wrapped) ON CONFLICT (ref) DO NOTHING`
	if _, err := v.pool.Exec(ctx, insert, missing, wrapped); err != nil {
		return fmt.Errorf("store seal keys: %w", err)
	}
	return failpoint.Hit(ctx, failpoint.MoneyKeyStored)
}

// unwrap puts the keys of refs into keys and into the cache.
func (v *vault) unwrap(refs []string, stored map[string][]byte, keys map[string]*seal.Key) error {
	for _, ref := range refs {
		key, err := v.master.Unwrap(stored[ref], wrapAAD(ref))
		if err != nil {
			return fmt.Errorf("open seal key of ref %q (is it another master key?): %w", ref, err)
		}
		keys[ref] = key
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.keys)+len(refs) > keysKept {
		clear(v.keys)
	}
	for _, ref := range refs {
		v.keys[ref] = keys[ref]
	}
	return nil
}

// check is seal.ErrOpen if the ledger's own key is wrapped by another master key.
func (v *vault) check(ctx context.Context) error {
	if v.master == nil {
		return nil
	}
	stored, err := v.load(ctx, []string{ownRef})
	if err != nil || len(stored) == 0 {
		return err
	}
	return v.unwrap([]string{ownRef}, stored, map[string]*seal.Key{})
}

func wrapAAD(ref string) []byte { return seal.AAD("money.seal_keys", ref) }
