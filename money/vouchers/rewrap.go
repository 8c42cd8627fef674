package vouchers

import (
	"context"
	"fmt"

	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
)

// Rewrap wraps the keys of the ledger's vouchers, which from has wrapped, by to, and returns how many there are.
// Vouchers stay as they are, and codes stay unique. A key that to has wrapped already counts too, so it may be done
// again. Writers wait. Error: seal.ErrOpen for a key that neither has wrapped.
func Rewrap(ctx context.Context, tx pgx.Tx, from, to *seal.Master) (n int, err error) {
	if _, err := tx.Exec(ctx, `LOCK TABLE money.seal_keys IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return 0, fmt.Errorf("lock seal keys: %w", err)
	}
	rows, err := tx.Query(ctx, `SELECT ref, wrapped FROM money.seal_keys`)
	if err != nil {
		return 0, fmt.Errorf("read seal keys: %w", err)
	}
	var refs []string
	var wrapped [][]byte
	var ref string
	var kept []byte
	_, err = pgx.ForEachRow(rows, []any{&ref, &kept}, func() error {
		anew, err := seal.Rewrap(kept, wrapAAD(ref), from, to)
		if err != nil {
			return fmt.Errorf("open seal key of ref %q (is it another master key?): %w", ref, err)
		}
		refs, wrapped = append(refs, ref), append(wrapped, anew)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("wrap seal keys anew: %w", err)
	}
	const update = `UPDATE money.seal_keys k SET wrapped = n.wrapped, updated_at = now()
		FROM unnest($1::text[], $2::bytea[]) n (ref, wrapped) WHERE k.ref = n.ref`
	if _, err := tx.Exec(ctx, update, refs, wrapped); err != nil {
		return 0, fmt.Errorf("write seal keys: %w", err)
	}
	return len(refs), nil
}
