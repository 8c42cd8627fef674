package upkeep

import (
	"context"
	"errors"
	"fmt"

	"bestow/app"
	"bestow/app/processes"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/internal/pg"
	"bestow/money/moneydb"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// InstallationCmd is `bestow installation`. It reads DATABASE_URL: the id is needed before any process runs.
type InstallationCmd struct {
	Show installationShowCmd `cmd:"" help:"Print the id of this installation. Its messages and consumer groups contain this id."`
	New  installationNewCmd  `cmd:"" help:"Give a copied database a new id. Do this before any of its processes starts."`

	Restored installationRestoredCmd `cmd:"" help:"After a restore from a backup: do not give out again the ids of events that were made since."`
}

// identity holds what the commands print for machines.
type identity struct {
	ID string `json:"id"`
}

type installationShowCmd struct{ terminal.Format }

// Run prints the id.
func (c *installationShowCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	return withDatabase(ctx, func(pool *pgxpool.Pool) error {
		i, err := outbox.ReadInstallation(ctx, pool)
		if err != nil {
			return err
		}
		return c.Print(t, identity{i.ID}, func() error { _, err := fmt.Fprintln(t.Out, i.ID); return err })
	})
}

type installationNewCmd struct{ terminal.Format }

// Help says when it is needed.
func (installationNewCmd) Help() string {
	return `Use it on a copy of another installation's database (staging made from production, or a backup restored while the
original still runs) if the copy uses the same Kafka brokers. Stop all processes of the copy first.

Messages from before belong to the original, and the copy skips them. It publishes again, within some minutes, the
targets that it had published and not yet granted. Its running events continue: stop them if you do not want that.`
}

// Run gives the database a new id and prints it.
func (c *installationNewCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	return withDatabase(ctx, func(pool *pgxpool.Pool) error {
		i, err := pg.Value(ctx, pool,
			func(tx pgx.Tx) (outbox.Installation, error) { return RenewInstallation(ctx, tx) })
		if err != nil {
			return err
		}
		return c.Print(t, identity{i.ID}, func() error { _, err := fmt.Fprintln(t.Out, i.ID); return err })
	})
}

// RenewInstallation makes a copied database an installation of its own, with a ledger of its own: the keys in it are
// those of the installation that it was copied from. A ledger in it that takes the grants of yet another installation
// stays that one's.
func RenewInstallation(ctx context.Context, tx pgx.Tx) (i outbox.Installation, err error) {
	before, err := outbox.ReadInstallation(ctx, tx)
	if err != nil {
		return i, err
	}
	if i, err = outbox.RenewInstallation(ctx, tx); err != nil {
		return i, err
	}
	ledger, err := moneydb.RenewIdentity(ctx, tx)
	if err == nil && ledger.Installation == before.ID {
		_, err = moneydb.PairAnew(ctx, tx, i.ID)
	}
	return i, errors.Join(err, processes.ForgetLedgers(ctx, tx))
}

type installationRestoredCmd struct {
	terminal.Format

	Events int `default:"1000" help:"How many events were made since the backup, at most (1 … 1000000). More do no harm."`
}

// Help says when it is needed.
func (installationRestoredCmd) Help() string {
	return `Use it after a restore from a backup, before the processes start, if grants go to a ledger elsewhere
(BESTOW_MONEY_URL, BESTOW_GRANTERS) that was not restored. That ledger still has the grants of events that were made
after the backup. A new event with the id of such an event would count its members as granted, and they would get
nothing. This command passes over the ids, which are then shown as events that were deleted.

    bestow installation restored --events 500`
}

// passedOver holds what the command prints for machines.
type passedOver struct {
	LastID int64 `json:"last_id"`
}

// Run passes over the ids and prints the last one.
func (c *installationRestoredCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	if c.Events < 1 || c.Events > 1_000_000 {
		return fmt.Errorf("--events must be 1 to 1000000, and is %d", c.Events)
	}
	return withDatabase(ctx, func(pool *pgxpool.Pool) error {
		last, err := pg.Value(ctx, pool, func(tx pgx.Tx) (int64, error) { return app.PassOver(ctx, tx, c.Events) })
		if err != nil {
			return err
		}
		return c.Print(t, passedOver{last}, func() error {
			_, err := fmt.Fprintf(t.Out, "The next event gets the id %d.\n", last+1)
			return err
		})
	})
}

// withDatabase lets a command work on the database that DATABASE_URL names.
func withDatabase(ctx context.Context, work func(*pgxpool.Pool) error) error {
	cfg, err := settings.Load()
	if err != nil {
		return err
	}
	pool, err := daemon.OpenPool(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	return work(pool)
}
