package moneyhttp

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"bestow/money"
)

// Forecast is what members have and had not spent when it was counted, by the last day on which it can be spent.
type Forecast struct {
	CountedAt *time.Time       `json:"counted_at" doc:"once a day, soon after midnight; null: not yet, and all that follows is empty"`
	Days      []ForecastPeriod `json:"days" nullable:"false" doc:"the first of the months, by day in the ledger's time zone; a day with nothing is left out"`
	Months    []ForecastPeriod `json:"months" nullable:"false" doc:"all that expires within five years, by month; a month with nothing is left out"`
	Later     Sum              `json:"later" doc:"what expires after that"`
	Never     Sum              `json:"never" doc:"what has no expiry"`
	Total     Sum              `json:"total" doc:"months, later and never: what all members have"`
}

// ForecastPeriod is what expires on a day or in a month.
type ForecastPeriod struct {
	Period string `json:"period" doc:"the day, as in 2026-12-31, or the month, as in 2026-12"`

	Sum
}

// Sum is a number of lots, and of the points that they have left.
type Sum struct {
	Lots   int64 `json:"lots"`
	Points int64 `json:"points"`
}

type forecastInput struct {
	Days string `query:"days" doc:"for how many days days has an entry, today among them: 0 to 62; default 62"`
}

// forecast says what will expire.
func (s *Server) forecast(ctx context.Context, in *forecastInput) (*struct{ Body Forecast }, error) {
	days := money.ForecastDays
	if in.Days != "" {
		var err error
		if days, err = strconv.Atoi(in.Days); err != nil || days < 0 || days > money.ForecastDays {
			return nil, unusable(codeBadRequest, "the parameter days cannot be used",
				FieldError{"query.days", "must be a number from 0 to " + strconv.Itoa(money.ForecastDays)})
		}
	}
	f, err := s.ledger.Forecast(ctx, days)
	if err != nil {
		return nil, err
	}
	wire := Forecast{Days: wirePeriods(f.Days), Months: wirePeriods(f.Months), Later: wireSum(f.Later), Never: wireSum(f.Never), Total: wireSum(f.Total)}
	if f.CountedAt != nil {
		wire.CountedAt = new(f.CountedAt.UTC())
	}
	return &struct{ Body Forecast }{wire}, nil
}

func wirePeriods(periods []money.ForecastPeriod) []ForecastPeriod {
	wire := make([]ForecastPeriod, len(periods))
	for n, e := range periods {
		wire[n] = ForecastPeriod{e.Period, wireSum(e)}
	}
	return wire
}

func wireSum(e money.ForecastPeriod) Sum { return Sum{e.Lots, e.Points} }

// Forecast asks what will expire, with the first days of it by day: 0 to [money.ForecastDays].
func (c *Client) Forecast(ctx context.Context, days int) (f Forecast, err error) {
	_, err = c.do(ctx, http.MethodGet, "expiry/forecast?days="+strconv.Itoa(days), nil, nil, &f)
	return f, err
}
