package ledger

import (
	"context"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Book is a ledger of points as operators see it. A ledger that does not answer is an error with the code
// domain.Unavailable.
type Book interface {
	// Forecast returns what the ledger has counted last.
	Forecast(ctx context.Context) (Forecast, error)
	// Totals returns what the ledger has counted last.
	Totals(ctx context.Context) (Totals, error)
	PolicyBook
	LotBook
}

// Forecast holds what members have and had not spent when it was counted, by the last day on which it can be spent. The
// days are those of the ledger's time zone.
type Forecast struct {
	CountedAt *time.Time // nil: it was not counted yet, and all else is empty
	Days      []Period   // the first of Months, by day; those with nothing are left out
	Months    []Period   // all but Later and Never; those with nothing are left out
	Later     Sum        // more than five years ahead
	Never     Sum        // without an expiry
	Total     Sum        // all that members have
}

// ForecastDays is for how many days the forecast is kept by day, the day of the count among them.
const ForecastDays = 62

// Period holds what expires on a day or in a month.
type Period struct {
	Name string // 2026-12-31, or 2026-12

	Sum
}

// Sum is a number of lots, and of the points that they have left.
type Sum struct{ Lots, Points int64 }

// Ledger asks the ledger of this installation.
type Ledger struct {
	pool *pgxpool.Pool
	book Book
}

// New returns the ledger that book is, whose changes are kept in the audit of pool. With a nil book each method returns
// domain.Unavailable.
func New(pool *pgxpool.Pool, book Book) *Ledger {
	if book == nil {
		book = noBook{}
	}
	return &Ledger{pool, book}
}

// patience is how long a read waits for the ledger: a page that shows more than the ledger must not wait for it.
const patience = 3 * time.Second

// Forecast returns what members have, and when it expires, as it was counted last. Error: domain.Unavailable.
func (l *Ledger) Forecast(ctx context.Context) (Forecast, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return l.book.Forecast(ctx)
}

// noBook stands where no ledger is known.
type noBook struct{}

func (noBook) away() error {
	return domain.UnavailableError("this process knows no ledger of points", "ask one that `bestow serve` has started")
}

// Forecast returns domain.Unavailable.
func (b noBook) Forecast(context.Context) (Forecast, error) { return Forecast{}, b.away() }

// Totals returns domain.Unavailable.
func (b noBook) Totals(context.Context) (Totals, error) { return Totals{}, b.away() }

// Lots returns domain.Unavailable.
func (b noBook) Lots(context.Context, string, string, int) ([]Lot, error) { return nil, b.away() }

// Lot returns domain.Unavailable.
func (b noBook) Lot(context.Context, string, string) (Lot, error) { return Lot{}, b.away() }

// Policies returns domain.Unavailable.
func (b noBook) Policies(context.Context, string, int) ([]Policy, error) { return nil, b.away() }

// Policy returns domain.Unavailable.
func (b noBook) Policy(context.Context, string) (Policy, string, error) {
	return Policy{}, "", b.away()
}

// CreatePolicy returns domain.Unavailable.
func (b noBook) CreatePolicy(context.Context, string, Terms) (Policy, bool, error) {
	return Policy{}, false, b.away()
}

// SetPolicyStatus returns domain.Unavailable.
func (b noBook) SetPolicyStatus(context.Context, string, string, Status) (Policy, error) {
	return Policy{}, b.away()
}
