package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// compareDue looks for lots that are open past their expiry (I18), where points expire by themselves.
func compareDue(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	if v.expiryOff {
		return errors.Join(f.measures.add("lots", int64(0)), f.measures.add("points", int64(0)))
	}
	return v.run(ctx, tx, invariant{file: "I18_due_lots_are_expired"}, verifyRun{}, f)
}

// noExpiry names I18 as not compared where nothing expires by itself.
func noExpiry(ctx context.Context, tx pgx.Tx, v *verification) ([]Gap, error) {
	if !v.expiryOff || v.foreign != "" {
		return nil, nil
	}
	const query = `SELECT count(*) FROM money.point_lot WHERE remaining > 0 AND expiry_at <= now()`
	var lots int64
	if err := tx.QueryRow(ctx, query).Scan(&lots); err != nil {
		return nil, fmt.Errorf("count lots that have run out: %w", err)
	}
	return []Gap{{Why: fmt.Sprintf("nothing expires by itself (BESTOW_EXPIRY=off): %d lots have run out and are open", lots)}}, nil
}
