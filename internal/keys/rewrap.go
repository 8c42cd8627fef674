package keys

import (
	"context"
	"fmt"

	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
)

// Rewrap wraps every key of the table by the master key to, and leaves what the keys have sealed as it is. A key that
// to has wrapped already counts too, so it may be done again; one that lies there as it is stays so, and does not
// count. Writers wait. Error: seal.ErrOpen for a key that neither master key has wrapped.
func (s Store) Rewrap(ctx context.Context, tx pgx.Tx, to *seal.Master) (n int, err error) {
	table := pgx.Identifier{s.Table}.Sanitize()
	if _, err := tx.Exec(ctx, `LOCK TABLE `+table+` IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return 0, fmt.Errorf("lock %s: %w", s.Table, err)
	}
	rows, err := tx.Query(ctx, `SELECT `+s.id()+`, wrapped FROM `+table)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", s.Table, err)
	}
	var owners []int64
	var wrapped [][]byte
	var owner int64
	var kept []byte
	_, err = pgx.ForEachRow(rows, []any{&owner, &kept}, func() error {
		if seal.IsBare(kept) {
			return nil
		}
		anew, err := seal.Rewrap(kept, s.aad(owner), s.Master, to)
		if err != nil {
			return fmt.Errorf("open key of %s (is it another master key?): %w", s.owner(owner), err)
		}
		owners, wrapped = append(owners, owner), append(wrapped, anew)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("wrap %s anew: %w", s.Table, err)
	}
	update := `UPDATE ` + table +
		` k SET wrapped = n.wrapped FROM unnest($1::bigint[], $2::bytea[]) n (id, wrapped) WHERE k.` + s.id() + ` = n.id`
	if _, err := tx.Exec(ctx, update, owners, wrapped); err != nil {
		return 0, fmt.Errorf("write %s: %w", s.Table, err)
	}
	return len(owners), nil
}
