package desktest

import (
	"context"

	"bestow/app/ledger"
)

// Book is a ledger of points that holds what a test puts into it. A test changes it between requests.
type Book struct {
	Away    error // what each method returns instead; nil: nothing
	Counted ledger.Forecast
}

// Forecast returns what was counted.
func (b *Book) Forecast(context.Context) (ledger.Forecast, error) { return b.Counted, b.Away }
