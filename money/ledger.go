package money

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"bestow/internal/seal"

	"github.com/jackc/pgx/v5/pgxpool"
)

// maxRegrantDays is the bound that point_master's constraint sets.
const maxRegrantDays = 36500

// MaxItems is the most items, or keys, of one call.
const MaxItems = 5000

// The errors of a call as a whole. After any of them but ErrDeadline, ErrTooMany and ErrNoMaster it is unknown what was
// applied: ask again with the same keys.
var (
	// ErrDeadline says that the deadline passed first: nothing was applied, and nothing of this call will be.
	ErrDeadline = errors.New("the deadline has passed: nothing was applied")
	// ErrTooMany says that a call had more than MaxItems items or keys; nothing was applied.
	ErrTooMany = errors.New("too many items in one call")
	// ErrNoMaster says that vouchers need the master key, which this ledger was not given; nothing was applied.
	ErrNoMaster = errors.New("vouchers need a master key, and none is configured")
)

// Config is what a ledger is made of.
type Config struct {
	Pool     *pgxpool.Pool
	Master   *seal.Master   // nil: vouchers are refused with ErrNoMaster
	Location *time.Location // of issue_date and expiry_date, by its IANA name; nil: Asia/Seoul
	Log      *slog.Logger   // nil: silent
	Random   io.Reader      // of codes and PINs, safe for concurrent use; nil: crypto/rand

	SpendOrder  SpendOrder // which lot is spent first; "": SpendSaved
	RegrantDays int        // of points that are saved anew and have no policy that says it; 0: 30
}

// SpendOrder says which of a member's lots is spent first.
type SpendOrder string

// The orders.
const (
	SpendSaved    SpendOrder = "saved"    // the earliest save
	SpendExpiring SpendOrder = "expiring" // the earliest expiry, those without one last; then the earliest save
)

func (c *Config) defaults() error {
	if c.Location == nil {
		seoul, err := time.LoadLocation("Asia/Seoul")
		if err != nil {
			return fmt.Errorf("load default time zone: %w", err)
		}
		c.Location = seoul
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.SpendOrder == "" {
		c.SpendOrder = SpendSaved
	}
	if c.RegrantDays == 0 {
		c.RegrantDays = 30
	}
	return nil
}

// validate refuses a zone that PostgreSQL would not know by the same name: it takes many an abbreviation for UTC.
func (c *Config) validate() error {
	if c.Pool == nil {
		return errors.New("configure ledger: it needs a database pool")
	}
	if c.SpendOrder != SpendSaved && c.SpendOrder != SpendExpiring {
		return fmt.Errorf("configure ledger: spend order %q is neither %s nor %s", c.SpendOrder, SpendSaved, SpendExpiring)
	}
	if c.RegrantDays < 1 || c.RegrantDays > maxRegrantDays {
		return fmt.Errorf("configure ledger: regrant days %d are not 1 to %d", c.RegrantDays, maxRegrantDays)
	}
	name := c.Location.String()
	if _, err := time.LoadLocation(name); err != nil || name == "Local" || name == "" {
		return fmt.Errorf("configure ledger: time zone %q is not an IANA name such as Asia/Seoul", name)
	}
	return nil
}

// Ledger moves points and issues vouchers, each key once. It is safe for concurrent use, and any number of processes may
// share its tables.
type Ledger struct {
	Config
	vault     *vault
	mint      mint
	listChunk int
}

// New returns a ledger, or an error that says what is wrong with c.
func New(c Config) (*Ledger, error) {
	if err := c.defaults(); err != nil {
		return nil, err
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Ledger{Config: c, vault: newVault(c.Pool, c.Master), mint: newMint(c.Random), listChunk: listChunk}, nil
}

// CheckMaster returns seal.ErrOpen if the vouchers that exist were sealed under another master key. Going on with a new
// one would leave some PINs under the one and some under the other.
func (l *Ledger) CheckMaster(ctx context.Context) error { return l.vault.check(ctx) }
