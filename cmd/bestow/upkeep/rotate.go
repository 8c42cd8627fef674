package upkeep

import (
	"context"
	"errors"
	"fmt"

	"bestow/app/pins"
	"bestow/app/processes"
	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/keys"
	"bestow/internal/pg"
	"bestow/internal/seal"
	"bestow/money/vouchers"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// SecretsCmd is `bestow secrets`.
type SecretsCmd struct {
	Rotate secretsRotateCmd `cmd:"" help:"Change the master key."`
}

type secretsRotateCmd struct {
	terminal.Format

	NewKeyFile string `required:"" placeholder:"FILE" offer:"FILE" help:"A file with the new master key: 32 bytes in base64, as openssl rand -base64 32 writes them."`
}

// Help says how a master key is changed.
func (secretsRotateCmd) Help() string {
	return `Stop every process of the service and of the ledger first. BESTOW_MASTER_KEY or BESTOW_MASTER_KEY_FILE still names the old
key. Each key in the database that the old master key has encrypted is encrypted by the new one, in one transaction.
Vouchers, PINs and hashes of lists stay as they are. Then set BESTOW_MASTER_KEY_FILE to the new key, and start again.

If the command is interrupted, run it again. A ledger with a database of its own (role money) is rotated with its own
DATABASE_URL. Keep the old key as long as you keep backups from before: they open by the old key only.`
}

// Rotated says how many keys of which kind are under the new master key.
type Rotated struct {
	Vouchers int    `json:"voucher_keys"` // of the ledger
	Pins     int    `json:"pin_keys"`     // of what the campaign side remembers of vouchers
	Lists    int    `json:"list_keys"`    // of the hashes of lists
	Phones   int    `json:"phone_keys"`   // of the codes of people's phones
	KeyID    string `json:"key_id"`
}

// Run wraps the keys anew.
func (c *secretsRotateCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	body, err := settings.ReadSecret(c.NewKeyFile, settings.SecretPatience)
	if err != nil {
		return terminal.Usage("--new-key-file: %w", err)
	}
	to, err := seal.NewMaster(string(body))
	if err != nil {
		return terminal.Usage("--new-key-file: %w", err)
	}
	cfg, err := settings.Load()
	if err != nil {
		return err
	}
	from, err := cfg.Master()
	if err != nil {
		return err
	}
	if from == nil {
		return domain.InvalidError("BESTOW_MASTER_KEY is not set",
			"set it to the old master key: the keys are encrypted by it")
	}
	return withDatabase(ctx, func(pool *pgxpool.Pool) error {
		done, err := Rotate(ctx, pool, from, to)
		if err != nil {
			return err
		}
		return c.Print(t, done, func() error {
			_, err := fmt.Fprintf(t.Out, "encrypted by the new master key %s: %s in the ledger, %s, %s, %s\n",
				done.KeyID, english.Count(done.Vouchers, "voucher key"), english.Count(done.Pins, "PIN key"),
				english.Count(done.Lists, "list key"), english.Count(done.Phones, "phone key"))
			t.Say("now set BESTOW_MASTER_KEY_FILE to the new key and start the service")
			return err
		})
	})
}

// Rotate wraps all keys by to. A process that runs has the old master key in memory and would go on to use it: there
// must be none, and none may have begun meanwhile.
func Rotate(ctx context.Context, pool *pgxpool.Pool, from, to *seal.Master) (done Rotated, err error) {
	if from.ID() == to.ID() {
		return done, domain.InvalidError("the new master key is the one that is in use: nothing was changed",
			"write another one, as by `openssl rand -base64 32`, and name its file")
	}
	list := processes.New(pool)
	if err := nothingRuns(ctx, list); err != nil {
		return done, err
	}
	done, err = pg.Value(ctx, pool, func(tx pgx.Tx) (done Rotated, err error) {
		done.KeyID = to.ID()
		if done.Vouchers, err = vouchers.Rewrap(ctx, tx, from, to); err != nil {
			return done, err
		}
		if done.Pins, err = pins.Rewrap(ctx, tx, from, to); err != nil {
			return done, err
		}
		if done.Lists, err = (keys.Store{Table: keys.Content, Master: from}).Rewrap(ctx, tx, to); err != nil {
			return done, err
		}
		done.Phones, err = keys.Store{Table: keys.Passwords, Master: from}.Rewrap(ctx, tx, to)
		return done, err
	})
	if errors.Is(err, seal.ErrOpen) {
		return done, domain.InvalidError(err.Error(),
			"set BESTOW_MASTER_KEY to the key that the service used last; nothing was changed")
	}
	if err != nil {
		return done, err
	}
	err = nothingRuns(ctx, list)
	if refused, ok := errors.AsType[*domain.Error](err); ok {
		refused.Message = "all keys are encrypted by the new master key now, " +
			"but a process began meanwhile and may have the old one: " + refused.Message
	}
	return done, err
}

func nothingRuns(ctx context.Context, list *processes.Processes) error {
	running, err := list.Running(ctx)
	if err != nil || running == "" {
		return err
	}
	return domain.InvalidError("the service runs: "+running,
		"stop all of its processes, wait 30 s if one was killed, and run the command again")
}
