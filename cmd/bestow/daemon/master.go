package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"bestow/app/pins"
	"bestow/internal/keys"
	"bestow/internal/seal"
	"bestow/money/moneydb"
	"bestow/money/vouchers"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// checkMaster refuses the process's master key, if it has one that does not open the keys in the database.
func (p *Process) checkMaster(ctx context.Context) error {
	master, err := p.cfg.Master()
	if err != nil || master == nil {
		return err
	}
	if slices.Equal(p.roles, []string{RoleMoney}) { // which may not read the keys of the campaigns and of people
		return explainMaster(p.Money.CheckMaster(ctx))
	}
	return CheckMaster(ctx, p.Pool, master, p.Money)
}

// CheckMaster refuses a master key that does not open the keys in the database.
func CheckMaster(ctx context.Context, pool *pgxpool.Pool, master *seal.Master, l *moneydb.Ledger) error {
	content := keys.Store{Table: keys.Content, Master: master}
	passwords := keys.Store{Table: keys.Passwords, Master: master}
	return explainMaster(errors.Join(pins.CheckMaster(ctx, pool, master), content.CheckMaster(ctx, pool),
		passwords.CheckMaster(ctx, pool), l.CheckMaster(ctx)))
}

func explainMaster(err error) error {
	if errors.Is(err, seal.ErrOpen) {
		return fmt.Errorf("BESTOW_MASTER_KEY is another key than the one that the vouchers' PINs were sealed under, "+
			"and the lists' hashes and people's codes made: start with that one: %w", err)
	}
	return err
}

// NewUnsealer returns what opens vouchers for the proof: the results' PINs, and the ledger of this database.
func NewUnsealer(master *seal.Master) pins.Unsealer {
	return pins.Unsealer{Master: master, OpenLedger: func(ctx context.Context, tx pgx.Tx) (pins.Ledger, error) {
		return vouchers.NewAudit(ctx, tx, master)
	}}
}
