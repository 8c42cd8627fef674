package money

import (
	"time"
)

// ForecastDays is for how many days the forecast is kept by day, today among them.
const ForecastDays = 62

// Forecast holds what members have and had not spent when it was counted, by the last day on which it can be spent.
type Forecast struct {
	CountedAt *time.Time       // nil: it was not counted yet
	Days      []ForecastPeriod // the first of Months, by day; those with nothing are left out
	Months    []ForecastPeriod // all but Later and Never; those with nothing are left out
	Later     ForecastPeriod   // more than five years ahead
	Never     ForecastPeriod   // without an expiry
	Total     ForecastPeriod   // all that members have
}

// ForecastPeriod holds what expires on a day, in a month, or in a sum of them.
type ForecastPeriod struct {
	Period string // 2026-12-31, or 2026-12; "" of sums
	Lots   int64
	Points int64
}
