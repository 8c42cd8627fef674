package points

import (
	"context"
	"errors"
	"fmt"

	"bestow/internal/failpoint"

	"github.com/jackc/pgx/v5"
)

// opening holds what a movement of one member knows at its beginning, read under the member's lock.
type opening struct {
	owed  int64
	entry *movement // what stands under the key; nil for a new one
}

const lockSQL = `SELECT owed FROM money.point_account WHERE member_id = $1 FOR UPDATE`

// open locks the member and reads what stands under key, and what more reads. Each is a statement of its own, so that
// it sees what was committed before the lock was got, and all are one round trip.
func open(ctx context.Context, tx pgx.Tx, member, key string, more func(*pgx.Batch)) (o opening, err error) {
	for range 2 { // the second time after the account was made
		locked := false
		batch := &pgx.Batch{}
		batch.Queue(lockSQL, member).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&o.owed}, func() error { locked = true; return nil })
			return err
		})
		batch.Queue(findSQL, []string{key}).Query(func(rows pgx.Rows) error {
			found, err := collectMovements(rows)
			o.entry = found[key]
			return err
		})
		if more != nil {
			more(batch)
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return o, fmt.Errorf("lock member: %w", err)
		}
		if locked {
			return o, failpoint.Hit(ctx, failpoint.MoneyAccountLocked)
		}
		const create = `INSERT INTO money.point_account (member_id) VALUES ($1) ON CONFLICT DO NOTHING`
		if _, err := tx.Exec(ctx, create, member); err != nil {
			return o, fmt.Errorf("make account: %w", err)
		}
	}
	return o, errors.New("lock member: the account that was made is not there")
}
