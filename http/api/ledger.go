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

// LedgerTotals hold what became of all that was ever saved.
type LedgerTotals struct {
	CountedAt *time.Time    `json:"counted_at" doc:"once a day, soon after midnight; null: not yet, and all that follows is empty"`
	All       LedgerTotal   `json:"all"`
	Types     []LedgerTotal `json:"types" nullable:"false" doc:"by the type_code of the saves: the 50 of which most is left, and the others as one; CM are campaigns"`
	Policies  []LedgerTotal `json:"policies" nullable:"false" doc:"by the policy of the saves, the same way; the code of saves without one is empty"`
	Days      []LedgerTotal `json:"days" nullable:"false" doc:"of saves that ran out in the last 30 days: by the last day (YYYY-MM-DD), the latest first"`
	Expiry    LedgerExpiry  `json:"expiry"`
}

// LedgerExpiry says how far the ledger is, at this moment, with what has run out.
type LedgerExpiry struct {
	Until   time.Time `json:"until" doc:"all that ran out by then has expired, but for waiting"`
	Waiting int64     `json:"waiting" doc:"lots that are listed to expire"`
}

// LedgerTotal is what became of the saves of a type or of a policy.
type LedgerTotal struct {
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

// Policy is an accrual policy: what a save that names it may be, and how long its points are valid.
type Policy struct {
	Code string `json:"code" example:"review" doc:"for ever of this policy"`

	PolicyTerms

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// PolicyTerms are those of a policy. They count for the saves that name it; the grants of events name none.
type PolicyTerms struct {
	Name        string  `json:"name" doc:"for people: 1 to 100 characters"`
	Status      string  `json:"status,omitempty" enum:"ACTIVE,INACTIVE" doc:"INACTIVE: saves that name it are refused; default ACTIVE"`
	Validity    string  `json:"validity_kind,omitempty" enum:"none,days,until,month_end" doc:"how long points are valid whose save names no expiry_at; default none: they do not expire"`
	Days        *int    `json:"validity_days,omitempty" minimum:"1" maximum:"36500" doc:"of days: so many from the moment of the save"`
	Until       *string `json:"valid_until,omitempty" format:"date" example:"2026-12-31" doc:"of until: the last day, in the ledger's time zone"`
	Months      *int    `json:"valid_months,omitempty" minimum:"0" maximum:"1200" doc:"of month_end: through the last day of the n-th month after that of the save"`
	Min         *int64  `json:"min_point,omitempty" minimum:"1" doc:"the smallest amount of one save"`
	Max         *int64  `json:"max_point,omitempty" minimum:"1" doc:"the largest amount of one save"`
	MaxHold     *int64  `json:"max_hold,omitempty" minimum:"1" doc:"what a member may hold after a save that names the policy"`
	RegrantDays *int    `json:"regrant_days,omitempty" minimum:"1" maximum:"36500" doc:"for how many days points are valid that a cancel gives back after their expiry; absent: BESTOW_REGRANT_DAYS"`
	TypeCode    *string `json:"type_code,omitempty" minLength:"1" maxLength:"10" doc:"of a save that names none"`
}

// NewPolicy is the body of POST /ledger/policies.
type NewPolicy struct {
	Code string `json:"code" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$" example:"review"`

	PolicyTerms
}

// PolicyPatch is the body of PATCH /ledger/policies/{code}.
type PolicyPatch struct {
	Status string `json:"status" enum:"ACTIVE,INACTIVE" doc:"INACTIVE retires the policy: saves that name it are refused; ACTIVE brings it back"`
}

// Policies is a page of the policies, in the order of their codes.
type Policies struct {
	Items      []Policy `json:"items" nullable:"false"`
	NextCursor *string  `json:"next_cursor" doc:"null: this is the last page"`
}

// Lot is a save, and what has become of its points: amount is the sum of left, used, cancelled and expired.
type Lot struct {
	MoneyTxID string     `json:"money_tx_id" example:"P17" doc:"of the save"`
	Amount    int64      `json:"amount" doc:"that was saved"`
	Left      int64      `json:"left"`
	Used      int64      `json:"used" doc:"less what was given back"`
	Cancelled int64      `json:"cancelled" doc:"by cancels of the save"`
	Expired   int64      `json:"expired"`
	TypeCode  string     `json:"type_code" doc:"what caused the save; CM: a campaign"`
	Ref       *string    `json:"ref" doc:"the record that caused it; of a campaign the event's id"`
	Reason    *string    `json:"reason"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiryAt  *time.Time `json:"expiry_at" doc:"the first instant at which the points cannot be spent; null: they do not expire"`
	Draws     []Draw     `json:"draws,omitempty" nullable:"false" doc:"only where one lot is asked for: what movements took from it or gave back, the newest first, at most 1000"`
}

// Draw is what a movement took from a lot, or gave back to it.
type Draw struct {
	MoneyTxID string    `json:"money_tx_id"`
	Kind      string    `json:"kind" enum:"use,use_cancel,save_cancel,expire"`
	Amount    int64     `json:"amount" doc:"as it changes what the lot has left: what is taken is negative"`
	CreatedAt time.Time `json:"created_at"`
}

// Lots is a page of a member's lots, the newest first.
type Lots struct {
	Items      []Lot   `json:"items" nullable:"false"`
	NextCursor *string `json:"next_cursor" doc:"null: this is the last page"`
}
