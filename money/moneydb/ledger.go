package moneydb

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"bestow/internal/seal"
	"bestow/money"
	"bestow/money/grants"
	"bestow/money/points"
	"bestow/money/policies"
	"bestow/money/vouchers"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Config holds what a ledger is made of.
type Config struct {
	Pool     *pgxpool.Pool
	Master   *seal.Master   // nil: vouchers are refused with ErrNoMaster
	Location *time.Location // of issue_date and expiry_date, by its IANA name; nil: Asia/Seoul
	Log      *slog.Logger   // nil: silent
	Random   io.Reader      // of codes and PINs, safe for concurrent use; nil: crypto/rand

	SpendOrder  money.SpendOrder // which lot is spent first; "": SpendSaved
	RegrantDays int              // of points that are saved anew and have no policy that says it; 0: 30
}

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
		c.SpendOrder = money.SpendSaved
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
	if c.SpendOrder != money.SpendSaved && c.SpendOrder != money.SpendExpiring {
		return fmt.Errorf("configure ledger: spend order %q is neither %s nor %s", c.SpendOrder, money.SpendSaved,
			money.SpendExpiring)
	}
	if c.RegrantDays < 1 || c.RegrantDays > money.MaxRegrantDays {
		return fmt.Errorf("configure ledger: regrant days %d are not 1 to %d", c.RegrantDays, money.MaxRegrantDays)
	}
	name := c.Location.String()
	if _, err := time.LoadLocation(name); err != nil || name == "Local" || name == "" {
		return fmt.Errorf("configure ledger: time zone %q is not an IANA name such as Asia/Seoul", name)
	}
	return nil
}

// Ledger moves points and issues vouchers, each key once. It is safe for concurrent use, and any number of processes
// may share its tables. Its methods are those of its parts.
type Ledger struct {
	*grants.Granter  // grants, saves, and what stands under keys
	*points.Lots     // uses, cancels, expiry, debts, and the history of a member
	*vouchers.Keeper // cancels and lists of vouchers
	*policies.Store  // policies

	pool *pgxpool.Pool
}

// New returns a ledger, or an error that says what is wrong with c.
func New(c Config) (*Ledger, error) {
	if err := c.defaults(); err != nil {
		return nil, err
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	l := &Ledger{Store: policies.New(c.Pool, c.Location), pool: c.Pool}
	var err error
	if l.Keeper, err = vouchers.New(vouchers.Config{Pool: c.Pool, Master: c.Master, Random: c.Random}); err != nil {
		return nil, err
	}
	l.Granter, err = grants.New(grants.Config{Pool: c.Pool, Location: c.Location, Log: c.Log, Vouchers: l.Keeper})
	if err != nil {
		return nil, err
	}
	l.Lots, err = points.New(points.Config{
		Pool: c.Pool, Location: c.Location, Order: c.SpendOrder, RegrantDays: c.RegrantDays,
	})
	return l, err
}
