package wire

import (
	"time"

	"bestow/money"
)

// Forecast holds what members have and had not spent when it was counted, by the last day on which it can be spent.
type Forecast struct {
	CountedAt *time.Time       `json:"counted_at" doc:"once a day, soon after midnight; null: not yet, and all that follows is empty"`
	Days      []ForecastPeriod `json:"days" nullable:"false" doc:"the first of the months, by day in the ledger's time zone; a day with nothing is left out"`
	Months    []ForecastPeriod `json:"months" nullable:"false" doc:"all that expires within five years, by month; a month with nothing is left out"`
	Later     Sum              `json:"later" doc:"what expires after that"`
	Never     Sum              `json:"never" doc:"what has no expiry"`
	Total     Sum              `json:"total" doc:"months, later and never: what all members have"`
}

// ForecastPeriod holds what expires on a day or in a month.
type ForecastPeriod struct {
	Period string `json:"period" doc:"the day, as in 2026-12-31, or the month, as in 2026-12"`

	Sum
}

// Sum is a number of lots, and of the points that they have left.
type Sum struct {
	Lots   int64 `json:"lots"`
	Points int64 `json:"points"`
}

// NewForecast returns f as it is sent.
func NewForecast(f *money.Forecast) Forecast {
	wire := Forecast{
		Days: newPeriods(f.Days), Months: newPeriods(f.Months), Later: newSum(f.Later),
		Never: newSum(f.Never), Total: newSum(f.Total),
	}
	if f.CountedAt != nil {
		wire.CountedAt = new(f.CountedAt.UTC())
	}
	return wire
}

func newPeriods(periods []money.ForecastPeriod) []ForecastPeriod {
	wire := make([]ForecastPeriod, len(periods))
	for n, e := range periods {
		wire[n] = ForecastPeriod{e.Period, newSum(e)}
	}
	return wire
}

func newSum(e money.ForecastPeriod) Sum { return Sum{e.Lots, e.Points} }
