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

// Totals hold what became of all that was ever saved.
type Totals struct {
	CountedAt *time.Time `json:"counted_at" doc:"once a day, soon after midnight; null: not yet, and all that follows is empty"`
	All       Total      `json:"all"`
	Types     []Total    `json:"types" nullable:"false" doc:"by the type_code of the saves: the 50 of which most is left, and the others as one"`
	Policies  []Total    `json:"policies" nullable:"false" doc:"by the policy of the saves, the same way; the code of saves without one is empty"`
	Days      []Total    `json:"days" nullable:"false" doc:"of saves that ran out in the last 30 days: by the last day (YYYY-MM-DD), the latest first"`
	Expiry    Expiry     `json:"expiry"`
}

// Total is what became of the saves of a type or of a policy.
type Total struct {
	Code      string `json:"code" doc:"the type, policy or day; empty of all, of saves without a policy and of others"`
	Others    bool   `json:"others" doc:"true: the sum of all that are not listed"`
	Lots      int64  `json:"lots"`
	OpenLots  int64  `json:"open_lots" doc:"with something left"`
	Saved     int64  `json:"saved" doc:"left, used, cancelled and expired"`
	Left      int64  `json:"left"`
	Used      int64  `json:"used" doc:"less what was given back"`
	Cancelled int64  `json:"cancelled"`
	Expired   int64  `json:"expired" doc:"with what has run out and expires in a moment"`
}

// Expiry says how far the ledger is, at this moment, with what has run out.
type Expiry struct {
	Until   time.Time `json:"until" doc:"all that ran out by then has expired, but for waiting"`
	Waiting int64     `json:"waiting" doc:"lots that are listed to expire"`
}

// NewTotals returns t as it is sent.
func NewTotals(t *money.Totals) Totals {
	wire := Totals{
		All: Total(t.All), Types: newTotals(t.Types), Policies: newTotals(t.Policies), Days: newTotals(t.Days),
		Expiry: Expiry{t.Expiry.Until.UTC(), t.Expiry.Waiting},
	}
	if t.CountedAt != nil {
		wire.CountedAt = new(t.CountedAt.UTC())
	}
	return wire
}

func newTotals(all []money.Total) []Total {
	wire := make([]Total, len(all))
	for n, t := range all {
		wire[n] = Total(t)
	}
	return wire
}
