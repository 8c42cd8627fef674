package points

import (
	"errors"
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

// New returns the lots in the database of c, or an error that says what c lacks.
func New(c Config) (*Lots, error) {
	if c.Pool == nil || c.Location == nil || c.Order == "" || c.RegrantDays < 1 {
		return nil, errors.New("lots need a pool, a location, an order and the days of points that are saved anew")
	}
	return &Lots{
		pool: c.Pool, location: c.Location, order: c.Order, regrantDays: c.RegrantDays, listChunk: listChunk,
	}, nil
}
