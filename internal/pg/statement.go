package pg

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Quoted returns a table's name as a statement has it.
func Quoted(table string) string { return pgx.Identifier{table}.Sanitize() }

// ExecOne runs a statement that must change exactly one row. Error: it changed another number of rows.
func ExecOne(ctx context.Context, tx pgx.Tx, sql string, args ...any) error {
	tag, err := tx.Exec(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("change one row: %w", err)
	}
	if tag.RowsAffected() != 1 {
		return fmt.Errorf("change one row: changed %d", tag.RowsAffected())
	}
	return nil
}

// Now reads the database's clock, which decides what is past: the processes' own may be wrong. In a transaction it
// stands still.
func Now(ctx context.Context, tx pgx.Tx) (now time.Time, err error) {
	if err := tx.QueryRow(ctx, `SELECT now()`).Scan(&now); err != nil {
		return now, fmt.Errorf("read the database's clock: %w", err)
	}
	return now, nil
}
