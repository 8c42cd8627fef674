package points

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/internal/pg"
	"bestow/money"

	"github.com/jackc/pgx/v5"
)

// forecastMonths is for how many months it is kept by month, this one among them. What expires after them is one sum.
const forecastMonths = 60

// The periods of money.point_forecast that are no day and no month.
const (
	periodLater = "later"
	periodNever = "never"
)

// forecastSQL counts each open lot once, in one look at all of them, by its last day: a day ends with the instant of
// midnight, as expiry_date does.
const forecastSQL = `WITH clock AS MATERIALIZED (
		SELECT now() AS at, (now() AT TIME ZONE $1)::date AS today
	), days AS (
		SELECT ((l.expiry_at - interval '1 microsecond') AT TIME ZONE $1)::date AS day, count(*) AS lots, sum(l.remaining) AS points
		FROM money.point_lot l CROSS JOIN clock
		WHERE l.remaining > 0 AND (l.expiry_at IS NULL OR l.expiry_at > clock.at)
		GROUP BY 1
	)
	INSERT INTO money.point_forecast (period, lots, points, counted_at)
	SELECT CASE WHEN day IS NULL THEN '` + periodNever + `'
			WHEN day < today + $2::int THEN to_char(day, 'YYYY-MM-DD')
			WHEN day < date_trunc('month', today::timestamp) + make_interval(months => $3) THEN to_char(day, 'YYYY-MM')
			ELSE '` + periodLater + `' END, sum(lots), sum(points), at
	FROM days CROSS JOIN clock GROUP BY 1, at`

// CountForecast counts the forecast and the totals anew, at one moment, unless both were counted since midnight, and
// reports whether it did. It reads every lot. Counting twice does no harm.
func (l *Lots) CountForecast(ctx context.Context) (counted bool, err error) {
	var missed error
	counted, err = pg.Value(ctx, l.pool, func(tx pgx.Tx) (counted bool, err error) {
		counted, missed, err = l.countForecast(ctx, tx)
		return counted, err
	})
	if err = errors.Join(err, missed); err != nil {
		return counted, fmt.Errorf("count forecast: %w", err)
	}
	return counted, nil
}

// countForecast is CountForecast in tx. missed is why the totals were not counted: the forecast is kept without them.
func (l *Lots) countForecast(ctx context.Context, tx pgx.Tx) (counted bool, missed, err error) {
	zone := l.location.String()
	const due = `SELECT coalesce(least((SELECT max(counted_at) FROM money.point_forecast), (SELECT max(counted_at) FROM money.point_total))
			AT TIME ZONE $1 < date_trunc('day', now() AT TIME ZONE $1), true)
		OR NOT EXISTS (SELECT FROM money.point_forecast) OR NOT EXISTS (SELECT FROM money.point_total)`
	// All that follows sees the moment after the lock, so that the totals have what the forecast has. Readers go on.
	const lock = `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; LOCK TABLE money.point_forecast IN SHARE ROW EXCLUSIVE MODE`
	if _, err := tx.Exec(ctx, lock); err != nil {
		return false, nil, fmt.Errorf("lock forecast: %w", err)
	}
	var is bool
	if err := tx.QueryRow(ctx, due, zone).Scan(&is); err != nil || !is {
		return false, nil, err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM money.point_forecast`); err != nil {
		return false, nil, fmt.Errorf("delete forecast: %w", err)
	}
	if _, err := tx.Exec(ctx, forecastSQL, zone, money.ForecastDays, forecastMonths); err != nil {
		return false, nil, fmt.Errorf("write forecast: %w", err)
	}
	// Where no member has any points, this row alone says that it was counted.
	const empty = `INSERT INTO money.point_forecast (period, lots, points, counted_at) VALUES ('` + periodNever +
		`', 0, 0, now()) ON CONFLICT DO NOTHING`
	if _, err := tx.Exec(ctx, empty); err != nil {
		return false, nil, fmt.Errorf("write forecast: %w", err)
	}
	missed = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return countTotals(ctx, tx, zone) })
	return true, missed, nil
}

// Forecast returns what was counted last, with the first days of it by day. Error: a *Refusal (BadDays, OutOfRange).
func (l *Lots) Forecast(ctx context.Context, days int) (f money.Forecast, err error) {
	if days < 0 || days > money.ForecastDays {
		return f, money.NewRefusal(money.BadDays, "the days are not a number from 0 to %d", money.ForecastDays)
	}
	const query = `WITH counted AS (
			SELECT period, lots, points, counted_at FROM money.point_forecast
		), sums AS (
			SELECT CASE WHEN period ~ '^[0-9]' THEN left(period, 7) ELSE period END AS period, sum(lots) AS lots, sum(points) AS points, max(counted_at) AS counted_at
			FROM counted GROUP BY 1
		), listed AS (
			SELECT period, lots, points, counted_at FROM counted WHERE length(period) = 10
				AND period < to_char((counted_at AT TIME ZONE $1)::date + $2::int, 'YYYY-MM-DD')
			UNION ALL SELECT * FROM sums
			UNION ALL SELECT '', sum(lots), sum(points), max(counted_at) FROM sums HAVING count(*) > 0
		)
		SELECT period, lots::bigint, least(points, 9223372036854775807)::bigint, points > 9223372036854775807, counted_at FROM listed ORDER BY period`
	rows, err := l.pool.Query(ctx, query, l.location.String(), days)
	if err != nil {
		return f, fmt.Errorf("read forecast: %w", err)
	}
	var e money.ForecastPeriod
	var over bool
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&e.Period, &e.Lots, &e.Points, &over, &at}, func() error {
		if over {
			return money.NewRefusal(money.OutOfRange, "members have more points than a number can hold")
		}
		f.CountedAt = new(at)
		addPeriod(&f, e)
		return nil
	})
	if err != nil {
		return money.Forecast{}, fmt.Errorf("read forecast: %w", err)
	}
	return f, nil
}

// addPeriod puts e where it belongs.
func addPeriod(f *money.Forecast, e money.ForecastPeriod) {
	sum := money.ForecastPeriod{Lots: e.Lots, Points: e.Points}
	switch {
	case e.Period == "":
		f.Total = sum
	case e.Period == periodLater:
		f.Later = sum
	case e.Period == periodNever:
		f.Never = sum
	case len(e.Period) == len(time.DateOnly):
		f.Days = append(f.Days, e)
	default:
		f.Months = append(f.Months, e)
	}
}
