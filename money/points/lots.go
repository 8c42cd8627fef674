package points

import (
	"time"

	"bestow/money"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says how lots are kept. Each field is needed.
type Config struct {
	Pool        *pgxpool.Pool
	Location    *time.Location // of issue_date and expiry_date
	Order       money.SpendOrder
	RegrantDays int // of points that are saved anew and have no policy that says it
}

// Lots keeps the points of members as they lie in lots: it uses them, undoes what was saved or used, and lets them
// expire.
type Lots struct {
	pool        *pgxpool.Pool
	location    *time.Location
	order       money.SpendOrder
	regrantDays int
	listChunk   int // how many lots ListDue lists at once
}

// New returns the lots in the database of c.
func New(c Config) *Lots {
	return &Lots{pool: c.Pool, location: c.Location, order: c.Order, regrantDays: c.RegrantDays, listChunk: listChunk}
}
