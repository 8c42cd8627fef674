package points

import (
	"context"
	"fmt"
	"time"

	"bestow/money"

	"github.com/jackc/pgx/v5"
)

// totalCodes is how many types, and how many policies, the totals list: those of which most is left, since a shop may
// save by any number of types.
const totalCodes = 50

// totalsSQL counts each lot once by its type and once by its policy. What has run out and is not expired yet counts as
// expired: nobody can spend it, and the forecast does not have it either. A day ends with the instant of midnight, as
// the forecast's do, and today has not ended.
const totalsSQL = `WITH clock AS MATERIALIZED (
		SELECT date_trunc('day', now() AT TIME ZONE $2) AT TIME ZONE $2 AS midnight
	), drawn AS (
		SELECT member_id, save_point_member_id,
			-coalesce(sum(point) FILTER (WHERE point_status_code IN ('U', 'R')), 0) AS used,
			-coalesce(sum(point) FILTER (WHERE point_status_code = 'C'), 0) AS cancelled,
			-coalesce(sum(point) FILTER (WHERE point_status_code = 'E'), 0) AS expired
		FROM money.point_draw GROUP BY member_id, save_point_member_id
	), lots AS (
		SELECT m.point_type_code AS type, coalesce(p.code, '') AS policy, l.point AS saved,
			CASE WHEN l.expiry_at <= midnight AND l.expiry_at > (midnight AT TIME ZONE $2 - interval '30 days') AT TIME ZONE $2
				THEN to_char((l.expiry_at - interval '1 microsecond') AT TIME ZONE $2, 'YYYY-MM-DD') END AS day,
			l.remaining * (l.expiry_at IS NULL OR l.expiry_at > now())::int AS remaining,
			l.remaining * (l.expiry_at <= now() AND l.expiry_at IS NOT NULL)::int AS run_out,
			coalesce(d.used, 0) AS used, coalesce(d.cancelled, 0) AS cancelled, coalesce(d.expired, 0) AS expired
		FROM clock CROSS JOIN money.point_lot l
		JOIN money.point_member m ON m.member_id = l.member_id AND m.point_member_id = l.save_point_member_id
		LEFT JOIN money.point_master p USING (point_master_id)
		LEFT JOIN drawn d ON d.member_id = l.member_id AND d.save_point_member_id = l.save_point_member_id
	), counted AS (
		SELECT CASE WHEN grouping(type) = 0 THEN 'type' WHEN grouping(policy) = 0 THEN 'policy'
				WHEN grouping(day) = 0 THEN 'day' ELSE 'all' END AS kind,
			coalesce(type, policy, day, '') AS code, count(*) AS lots, count(*) FILTER (WHERE remaining > 0) AS open_lots,
			coalesce(sum(saved), 0) AS saved, coalesce(sum(remaining), 0) AS remaining, coalesce(sum(used), 0) AS used,
			coalesce(sum(cancelled), 0) AS cancelled, coalesce(sum(expired), 0) + coalesce(sum(run_out), 0) AS expired
		FROM lots GROUP BY GROUPING SETS ((type), (policy), (day), ())
	), placed AS (
		SELECT *, row_number() OVER (PARTITION BY kind ORDER BY remaining DESC, saved DESC, code)
			> $1 AS others FROM counted WHERE kind <> 'day' OR code <> ''
	)
	INSERT INTO money.point_total (kind, code, others, lots, open_lots, saved, remaining, used, cancelled, expired, counted_at)
	SELECT kind, CASE WHEN others THEN '' ELSE code END, others, sum(lots), sum(open_lots), sum(saved), sum(remaining),
		sum(used), sum(cancelled), sum(expired), now()
	FROM placed GROUP BY 1, 2, 3`

// countTotals counts the totals anew.
func countTotals(ctx context.Context, tx pgx.Tx, zone string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM money.point_total`); err != nil {
		return fmt.Errorf("delete totals: %w", err)
	}
	if _, err := tx.Exec(ctx, totalsSQL, totalCodes, zone); err != nil {
		return fmt.Errorf("write totals: %w", err)
	}
	return nil
}

// Totals returns what was counted last, and how far the expiry is now. Error: a *Refusal (OutOfRange).
func (l *Lots) Totals(ctx context.Context) (t money.Totals, err error) {
	const query = `SELECT kind, code, others, lots, open_lots, least(saved, 9223372036854775807)::bigint,
			least(remaining, 9223372036854775807)::bigint, least(used, 9223372036854775807)::bigint,
			least(cancelled, 9223372036854775807)::bigint, least(expired, 9223372036854775807)::bigint,
			saved > 9223372036854775807, counted_at
		FROM money.point_total
		ORDER BY kind, others, CASE WHEN kind = 'day' THEN code END DESC, remaining DESC, saved DESC, code`
	const expiry = `SELECT swept_until, (SELECT count(*) FROM money.point_due) FROM money.point_sweep`
	if err := l.pool.QueryRow(ctx, expiry).Scan(&t.Expiry.Until, &t.Expiry.Waiting); err != nil {
		return t, fmt.Errorf("read how far lots have expired: %w", err)
	}
	rows, err := l.pool.Query(ctx, query)
	if err != nil {
		return t, fmt.Errorf("read totals: %w", err)
	}
	var kind string
	var one money.Total
	var over bool
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{
		&kind, &one.Code, &one.Others, &one.Lots, &one.OpenLots, &one.Saved, &one.Left, &one.Used, &one.Cancelled,
		&one.Expired, &over, &at,
	}, func() error {
		if over {
			return money.NewRefusal(money.OutOfRange, "more points were saved than a number can hold")
		}
		t.CountedAt = new(at)
		switch kind {
		case "type":
			t.Types = append(t.Types, one)
		case "policy":
			t.Policies = append(t.Policies, one)
		case "day":
			t.Days = append(t.Days, one)
		default:
			t.All = one
		}
		return nil
	})
	if err != nil {
		return money.Totals{}, fmt.Errorf("read totals: %w", err)
	}
	return t, nil
}
