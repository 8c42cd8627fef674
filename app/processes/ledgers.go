package processes

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Ledgers remembers which ledger each granter's name led to first.
type Ledgers struct{ pool *pgxpool.Pool }

// NewLedgers returns the ledgers that the database of pool remembers.
func NewLedgers(pool *pgxpool.Pool) *Ledgers { return &Ledgers{pool} }

// Meet notes that the granter's name leads to the ledger, if it led to none before, and returns the id of the one that
// it led to first. Another ledger knows no keys, and would grant what was granted.
func (s *Ledgers) Meet(ctx context.Context, granter, ledgerID string) (known string, err error) {
	if known, err = s.Known(ctx, granter); err != nil || known != "" {
		return known, err
	}
	const insert = `INSERT INTO granter_ledgers (granter, ledger_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	if _, err := s.pool.Exec(ctx, insert, granter, ledgerID); err != nil {
		return "", fmt.Errorf("remember ledger: %w", err)
	}
	return s.Known(ctx, granter) // which another process may have been quicker to note
}

// Known returns the id of the ledger that the granter's name led to first, "" for none.
func (s *Ledgers) Known(ctx context.Context, granter string) (known string, err error) {
	const query = `SELECT coalesce(max(ledger_id), '') FROM granter_ledgers WHERE granter = $1`
	if err := s.pool.QueryRow(ctx, query, granter).Scan(&known); err != nil {
		return "", fmt.Errorf("read ledger: %w", err)
	}
	return known, nil
}

// ForgetLedgers lets every granter's name lead to a ledger anew, in a copied database: its ledgers are others.
func ForgetLedgers(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `DELETE FROM granter_ledgers`); err != nil {
		return fmt.Errorf("forget ledgers: %w", err)
	}
	return nil
}
