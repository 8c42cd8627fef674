package money

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrOtherInstallation says that the ledger takes the grants of another installation; nothing was applied.
var ErrOtherInstallation = errors.New("the ledger takes the grants of another installation")

// Identity says which ledger this is.
type Identity struct {
	ID           string // a UUID, made with its tables
	Installation string // whose grants it takes, a UUID; "": no installation has been paired with it
	Now          time.Time
}

// Identity reads which ledger this is, and its clock.
func (l *Ledger) Identity(ctx context.Context) (Identity, error) {
	const query = `SELECT id::text, coalesce(installation::text, ''), clock_timestamp() FROM money.ledger`
	return readIdentity(l.Pool.QueryRow(ctx, query))
}

// Pair makes this the ledger of the installation, for ever, unless it is another's. Error: ErrOtherInstallation.
func (l *Ledger) Pair(ctx context.Context, installation string) (Identity, error) {
	id, err := l.Identity(ctx)
	if err == nil && id.Installation == "" {
		const update = `UPDATE money.ledger SET installation = $1, paired_at = now() WHERE installation IS NULL`
		if _, err := l.Pool.Exec(ctx, update, installation); err != nil {
			return Identity{}, fmt.Errorf("pair ledger: %w", err)
		}
		id, err = l.Identity(ctx) // which another installation may have been quicker to pair with
	}
	if err == nil && id.Installation != installation {
		err = fmt.Errorf("%w: %s", ErrOtherInstallation, id.Installation)
	}
	return id, err
}

// RenewIdentity makes the ledger of a copied database one of its own, which no installation is paired with.
func RenewIdentity(ctx context.Context, tx pgx.Tx) error {
	const update = `UPDATE money.ledger SET id = gen_random_uuid(), installation = NULL, paired_at = NULL`
	if _, err := tx.Exec(ctx, update); err != nil {
		return fmt.Errorf("renew ledger's id: %w", err)
	}
	return nil
}

func readIdentity(row pgx.Row) (id Identity, err error) {
	if err := row.Scan(&id.ID, &id.Installation, &id.Now); err != nil {
		return id, fmt.Errorf("read ledger's id: %w", err)
	}
	return id, nil
}
