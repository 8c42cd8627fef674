package grants

import (
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

// New returns what grants.
func New(c Config) *Granter {
	return &Granter{c.Pool, c.Location, c.Log, c.Vouchers}
}
