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

// Totals hold what became of all that was ever saved, when it was counted.
type Totals struct {
	CountedAt *time.Time // nil: it was not counted yet
	All       Total
	Types     []Total // by the type of the saves; of which most is left first
	Policies  []Total // by the policy of the saves, the same way
	Days      []Total // of saves that ran out in the last 30 days: by the last day, the latest first
	Expiry    Expiry
}

// Total is what became of the saves of a type or of a policy: Saved is the sum of Left, Used, Cancelled and Expired.
type Total struct {
	Code      string // the type, policy or day; "" of All, of saves without a policy, and of Others
	Others    bool   // it is the sum of all that are not listed
	Lots      int64
	OpenLots  int64 // with something left
	Saved     int64
	Left      int64
	Used      int64 // less what was given back
	Cancelled int64
	Expired   int64 // or has run out and expires in a moment
}

// Expiry says how far the ledger is with what has run out.
type Expiry struct {
	Until   time.Time // all that ran out by then has expired, but for Waiting
	Waiting int64     // lots that are listed to expire
}
