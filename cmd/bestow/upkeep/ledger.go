package upkeep

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/internal/pg"
	"bestow/money"
	"bestow/money/moneydb"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// LedgerCmd is `bestow ledger`. It reads DATABASE_URL: the id is needed before any process runs.
type LedgerCmd struct {
	Show  ledgerShowCmd  `cmd:"" help:"Print the id of this database's ledger, and the installation whose grants it takes."`
	NewID ledgerNewIDCmd `cmd:"" name:"new-id" help:"Give a copied ledger an id of its own. Do this before any of its processes starts."`
}

// ledgerIdentity holds what the commands print for machines.
type ledgerIdentity struct {
	LedgerID       string `json:"ledger_id"`
	InstallationID string `json:"installation_id,omitzero"`
}

func printLedger(t *terminal.Terminal, f terminal.Format, id money.Identity) error {
	return f.Print(t, ledgerIdentity{id.ID, id.Installation}, func() error {
		return t.Table(func(w io.Writer) {
			fmt.Fprintf(w, "ledger_id\t%s\ninstallation_id\t%s\n", id.ID, cmp.Or(id.Installation, "-"))
		})
	})
}

type ledgerShowCmd struct{ terminal.Format }

// Run prints which ledger it is.
func (c *ledgerShowCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	return withDatabase(ctx, func(pool *pgxpool.Pool) error {
		id, err := pg.Value(ctx, pool, func(tx pgx.Tx) (money.Identity, error) { return moneydb.ReadIdentity(ctx, tx) })
		if err != nil {
			return err
		}
		return printLedger(t, c.Format, id)
	})
}

type ledgerNewIDCmd struct {
	terminal.Format

	Installation string `placeholder:"ID" help:"The installation that shall grant by the copy: one whose database was copied together with the ledger's. Default: none."`
}

// Help says when it is needed.
func (ledgerNewIDCmd) Help() string {
	return `Use it on a copy of the database of a ledger that runs apart, if the original still runs: a test environment, or a backup
that was restored beside it. Set DATABASE_URL to the copy, and stop all processes of the copy first.

A copy has the id of its original, so that an installation whose BESTOW_MONEY_URL leads to the copy grants there. With
the new id it refuses the copy, and its events wait until the address leads to the original again.

A ledger that was moved, and whose original is gone, keeps its id: it needs nothing. A database that holds the campaigns
too needs ` + "`bestow installation new`" + `, which gives the ledger in it a new id as well.`
}

// Run gives the ledger a new id and prints it.
func (c *ledgerNewIDCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	installation, err := c.installation()
	if err != nil {
		return err
	}
	return withDatabase(ctx, func(pool *pgxpool.Pool) error {
		id, err := pg.Value(ctx, pool,
			func(tx pgx.Tx) (money.Identity, error) { return RenewLedger(ctx, tx, installation) })
		if err != nil {
			return err
		}
		return printLedger(t, c.Format, id)
	})
}

// installation is the flag as PostgreSQL writes a uuid, "" without it.
func (c *ledgerNewIDCmd) installation() (string, error) {
	if c.Installation == "" {
		return "", nil
	}
	var id pgtype.UUID
	if err := id.Scan(c.Installation); err != nil {
		return "", terminal.Usage("--installation is %q, which is not the id of an installation: "+
			"`bestow installation show` prints it", c.Installation)
	}
	return id.String(), nil
}

// RenewLedger gives a copied ledger a new id, and pairs it with the installation, if that is not "". A ledger in use is
// refused: one whose processes run, one that the installation of the same database grants by, and a pairing with the
// installation that grants by the original.
func RenewLedger(ctx context.Context, tx pgx.Tx, installation string) (money.Identity, error) {
	if err := outbox.CheckStopped(ctx, tx); err != nil {
		return money.Identity{}, err
	}
	own, err := outbox.ReadInstallation(ctx, tx)
	if err != nil {
		return money.Identity{}, err
	}
	ledger, err := moneydb.ReadIdentity(ctx, tx)
	switch {
	case err != nil:
		return ledger, err
	case ledger.Installation == own.ID:
		return ledger, domain.InvalidError(
			"the installation of this database grants by this ledger, and would not ask it any more",
			"if the database is a copy, `bestow installation new` gives both a new id",
		)
	case ledger.Installation != "" && ledger.Installation == installation:
		return ledger, domain.InvalidError(
			"the installation "+installation+" grants by the ledger that this one was copied from",
			"name the copied installation: run `bestow installation new` on its database, "+
				"which prints its new id",
		)
	}
	if ledger, err = moneydb.RenewIdentity(ctx, tx); err == nil && installation != "" {
		ledger, err = moneydb.PairAnew(ctx, tx, installation)
	}
	return ledger, err
}
