package verify

import (
	"context"
	"errors"
	"fmt"

	"bestow/internal/english"

	"github.com/jackc/pgx/v5"
)

// compareDue looks for lots that are open past their expiry (I18). Where nothing expires by itself and some have run
// out, noExpiry tells.
func compareDue(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	if v.expiryOff {
		if lots, err := countRunOut(ctx, tx); err != nil || lots > 0 {
			return errors.Join(err, f.measures.add("lots", int64(0)), f.measures.add("points", int64(0)))
		}
	}
	return v.run(ctx, tx, invariant{file: "I18_due_lots_are_expired"}, verifyRun{}, f)
}

// noExpiry names I18 as not compared where nothing expires by itself and lots have run out.
func noExpiry(ctx context.Context, tx pgx.Tx, v *verification) ([]Gap, error) {
	if !v.expiryOff || v.foreign != "" {
		return nil, nil
	}
	lots, err := countRunOut(ctx, tx)
	if err != nil || lots == 0 {
		return nil, err
	}
	return []Gap{{Why: "nothing expires by itself (BESTOW_EXPIRY=off), with " + english.Count(lots, "open lot") +
		" past the expiry"}}, nil
}

func countRunOut(ctx context.Context, tx pgx.Tx) (lots int64, err error) {
	const query = `SELECT count(*) FROM money.point_lot WHERE remaining > 0 AND expiry_at <= now()`
	if err := tx.QueryRow(ctx, query).Scan(&lots); err != nil {
		return 0, fmt.Errorf("count lots that have run out: %w", err)
	}
	return lots, nil
}
