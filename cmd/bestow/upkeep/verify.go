package upkeep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"bestow/app"
	"bestow/app/processes"
	"bestow/app/verify"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/internal/keys"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5/pgxpool"
)

// VerifyCmd is `bestow verify`. It reads DATABASE_URL, since the proof must not depend on the service that it judges.
// With --remote, or where only the service is known, it has the service make the report.
type VerifyCmd struct {
	terminal.Format

	Event  *string `arg:"" optional:"" help:"The event's id or campaign_id; if a number is both, write id:7 or campaign:7. Default: all events."`
	Repair bool    `help:"First correct the counters that differ from a recount of the rows. It never changes results, totals or the ledger."`
	Remote bool    `help:"Ask the service at BESTOW_URL for a report on the event, wait for it, and print it."`

	AskFor    *time.Duration `name:"ask-ledgers-for" placeholder:"TIME" help:"How long the ledgers of BESTOW_GRANTERS are asked what they granted (default: 15m). What they are not asked by then is not compared."`
	AuditHead string         `placeholder:"POSITION:HASH" help:"A head of the audit chain that you kept from the service's log. It must still be in the chain."`
}

// defaultAskFor is how long the ledgers of others are asked at the most.
const defaultAskFor = 15 * time.Minute

// The ends of a verify that is not green: the report has said it all.
var (
	errDiffers   = errors.New("the invariants do not all hold")
	errNotProved = errors.New("not proved: not everything could be compared")
)

// Run checks every invariant, after recounting where that is asked for. It fails if one does not hold, or
// could not be compared.
func (c *VerifyCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Remote {
		return c.runRemote(ctx, t)
	}
	cfg, err := settings.Load()
	if err != nil {
		return err
	}
	open := pg.OpenToRead // a report may be made of a standby, or by a role that can only read
	if c.Repair {
		open = pg.Open
	}
	pool, err := daemon.OpenBy(ctx, cfg, open)
	if errors.Is(err, daemon.ErrNoDatabase) && t.Env("BESTOW_KEY") != "" {
		return c.runWithoutDatabase(ctx, t)
	}
	if err != nil {
		return err
	}
	defer pool.Close()
	with, err := verifyConfig(cfg, pool)
	if err != nil {
		return err
	}
	others := &otherLedgers{cfg: cfg, pool: pool}
	defer others.Close()
	with.Ledgers, with.AskFor = others, defaultAskFor
	if c.AskFor != nil {
		with.AskFor = *c.AskFor
	}
	verifier, err := verify.New(with)
	if err != nil {
		return err
	}
	if err := app.Agree(ctx, verifier, Judging(cfg)); err != nil {
		return err
	}
	return c.verify(ctx, t, verifier)
}

// check refuses values that mean nothing.
func (c *VerifyCmd) check() error {
	switch {
	case c.Event != nil && *c.Event == "":
		return terminal.Usage("the event's name is empty: give an id or a campaign_id, or nothing for all events")
	case c.AskFor != nil && *c.AskFor <= 0:
		return terminal.Usage("--ask-ledgers-for is %s: write a time above 0, such as 15m", *c.AskFor)
	}
	return nil
}

// Judging returns the settings by which a proof judges.
func Judging(cfg settings.Config) processes.Settings {
	return processes.Settings{processes.TimeZoneSetting: cfg.TimeZone, processes.ExpirySetting: cfg.Expiry}
}

// verifyConfig returns what makes the command's reports. With a master key it opens every voucher; in production it
// takes no key of a hash that no master key has wrapped.
func verifyConfig(cfg settings.Config, pool *pgxpool.Pool) (c verify.Config, err error) {
	master, err := cfg.Master()
	if err != nil {
		return c, err
	}
	c = verify.Config{
		Pool: pool, Keys: keys.Store{Table: keys.Content, Master: master, WrappedOnly: cfg.Env == "production"},
		Zone: cfg.TimeZone, ExpiryOff: cfg.ExpiryOff(), RemoteLedger: cfg.MoneyURL != "",
	}
	if master != nil {
		c.Unsealer = daemon.NewUnsealer(master)
	}
	return c, nil
}

// Help says what the command needs, and what its end means.
func (VerifyCmd) Help() string {
	return `It reads the database of DATABASE_URL and does not need the service. With --remote, or if DATABASE_URL is not set and
BESTOW_KEY is, it asks the service instead for a report on one event. The service keeps the last five reports on each
event. With BESTOW_MASTER_KEY (or BESTOW_MASTER_KEY_FILE) it also opens every
voucher, compares the codes and PINs without printing them, and computes the hashes of every list again. With
BESTOW_GRANTERS and the token files of the service it asks the ledgers of others what they granted.

Exit code 0: everything was compared, and nothing differs. Exit code 1: something differs, or something could not be
compared ("not proved"). docs/verify.md says what each invariant compares, and what no invariant compares.`
}

func (c *VerifyCmd) verify(ctx context.Context, t *terminal.Terminal, reports *verify.Verifier) (err error) {
	var query verify.Query
	if c.Event != nil {
		query.Event = *c.Event
	}
	if query.AuditHead, err = parseHead(c.AuditHead); err != nil {
		return err
	}
	if c.Repair {
		if query.Repaired, err = reports.Repair(ctx, query); err != nil {
			return err
		}
	}
	v, err := reports.Verify(ctx, query)
	if err != nil {
		return err
	}
	document, err := v.Document()
	if err != nil {
		return err
	}
	return c.conclude(t, v, document)
}

// parseHead reads a head of the audit chain as the log has it, nil for "".
func parseHead(text string) (*verify.Head, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no head is no error
	}
	digits, hash, _ := strings.Cut(text, ":")
	position, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || position < 1 {
		return nil, terminal.Usage("--audit-head is %q: write POSITION:HASH, as the log has them", text)
	}
	sum, err := hex.DecodeString(hash)
	if err != nil || len(sum) != sha256.Size {
		return nil, terminal.Usage("--audit-head is %q: write POSITION:HASH, as the log has them", text)
	}
	return &verify.Head{Position: position, Hash: sum}, nil
}

// conclude prints what was found, and fails if that is not green. As JSON it prints the bytes of the document.
func (c *VerifyCmd) conclude(t *terminal.Terminal, v verify.Report, document []byte) error {
	var err error
	if c.Output == "json" {
		_, err = fmt.Fprintf(t.Out, "%s\n", document)
	} else {
		err = c.write(t, v)
	}
	if err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	switch {
	case v.Differs():
		return errDiffers
	case !v.OK:
		return errNotProved
	}
	return nil
}

// write prints what was repaired, then the report.
func (c *VerifyCmd) write(t *terminal.Terminal, v verify.Report) error {
	for _, r := range v.Repaired {
		fmt.Fprintf(t.Out, "repaired: %s\n", r)
	}
	if c.Repair && len(v.Repaired) == 0 {
		fmt.Fprintln(t.Out, "nothing to repair: every counter is what the rows say")
	}
	if c.Repair {
		fmt.Fprintln(t.Out)
	}
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	v.CheckedAt = v.CheckedAt.In(zone)
	var report strings.Builder
	if err := v.Write(&report); err != nil {
		return err
	}
	_, err = io.WriteString(t.Out, onScreen(t.Screen, report.String()))
	return err
}
