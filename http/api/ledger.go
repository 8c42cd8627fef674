package api

import "time"

// LedgerForecast holds what members have and had not spent when the ledger counted it, by the last day on which it can
// be spent.
type LedgerForecast struct {
	CountedAt *time.Time       `json:"counted_at" doc:"once a day, soon after midnight; null: not yet, and all that follows is empty"`
	Days      []ForecastPeriod `json:"days" nullable:"false" doc:"the first of the months, by day in the ledger's time zone; a day with nothing is left out"`
	Months    []ForecastPeriod `json:"months" nullable:"false" doc:"all that expires within five years, by month; a month with nothing is left out"`
	Later     LotSum           `json:"later" doc:"what expires after that"`
	Never     LotSum           `json:"never" doc:"what has no expiry"`
	Total     LotSum           `json:"total" doc:"months, later and never: what all members have"`
}

// ForecastPeriod holds what expires on a day or in a month.
type ForecastPeriod struct {
	Period string `json:"period" example:"2026-12-31" doc:"the day, as in 2026-12-31, or the month, as in 2026-12"`

	LotSum
}

// LotSum is a number of lots, and of the points that they have left.
type LotSum struct {
	Lots   int64 `json:"lots"`
	Points int64 `json:"points"`
}
