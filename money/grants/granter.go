package grants

import (
	"errors"
	"log/slog"
	"time"

	"bestow/money/vouchers"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says what grants. Each field is needed.
type Config struct {
	Pool     *pgxpool.Pool
	Location *time.Location // of issue_date and expiry_date
	Log      *slog.Logger
	Vouchers *vouchers.Keeper
}

// Granter grants points and vouchers, each key once.
type Granter struct {
	pool     *pgxpool.Pool
	location *time.Location // of issue_date and expiry_date
	log      *slog.Logger
	keeper   *vouchers.Keeper
}

// New returns the granter of c, or an error that says what c lacks.
func New(c Config) (*Granter, error) {
	if c.Pool == nil || c.Location == nil || c.Log == nil || c.Vouchers == nil {
		return nil, errors.New("grants of a ledger need a pool, a location, a log and a keeper of vouchers")
	}
	return &Granter{c.Pool, c.Location, c.Log, c.Vouchers}, nil
}
