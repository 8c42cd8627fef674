package moneydb

import (
	"context"
	"fmt"

	"bestow/money"

	"github.com/jackc/pgx/v5"
)

const selectIdentity = `SELECT id::text, coalesce(installation::text, ''), clock_timestamp() FROM money.ledger`

// Identity reads which ledger this is, and its clock.
func (l *Ledger) Identity(ctx context.Context) (money.Identity, error) {
	return readIdentity(l.pool.QueryRow(ctx, selectIdentity))
}

// Pair makes this the ledger of the installation, for ever, unless it is another's. Error: ErrOtherInstallation.
func (l *Ledger) Pair(ctx context.Context, installation string) (money.Identity, error) {
	id, err := l.Identity(ctx)
	if err == nil && id.Installation == "" {
		const update = `UPDATE money.ledger SET installation = $1, paired_at = now() WHERE installation IS NULL`
		if _, err := l.pool.Exec(ctx, update, installation); err != nil {
			return money.Identity{}, fmt.Errorf("pair ledger: %w", err)
		}
		id, err = l.Identity(ctx) // which another installation may have been quicker to pair with
	}
	if err == nil && id.Installation != installation {
		err = fmt.Errorf("%w: %s", money.ErrOtherInstallation, id.Installation)
	}
	return id, err
}

// ReadIdentity reads which ledger stands in the database of tx.
func ReadIdentity(ctx context.Context, tx pgx.Tx) (money.Identity, error) {
	return readIdentity(tx.QueryRow(ctx, selectIdentity))
}

// RenewIdentity gives the ledger of a copied database an id of its own. The installation that it is paired with stays:
// that one knows the ledger by the id of before, and does not ask the copy.
func RenewIdentity(ctx context.Context, tx pgx.Tx) (money.Identity, error) {
	const update = `UPDATE money.ledger SET id = gen_random_uuid()
		RETURNING id::text, coalesce(installation::text, ''), clock_timestamp()`
	return readIdentity(tx.QueryRow(ctx, update))
}

// PairAnew pairs the ledger of a copied database with another installation, whose database was copied with it. An
// installation that was not would take the grants of the original for its own, since the keys may be the same text.
func PairAnew(ctx context.Context, tx pgx.Tx, installation string) (money.Identity, error) {
	const update = `UPDATE money.ledger SET installation = $1, paired_at = now()
		RETURNING id::text, installation::text, clock_timestamp()`
	return readIdentity(tx.QueryRow(ctx, update, installation))
}

func readIdentity(row pgx.Row) (id money.Identity, err error) {
	if err := row.Scan(&id.ID, &id.Installation, &id.Now); err != nil {
		return id, fmt.Errorf("read ledger's id: %w", err)
	}
	return id, nil
}
