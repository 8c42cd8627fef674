package testbed

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Querier is a connection or a pool.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// LedgerQuery reads columns of the event's grants, by the reference that the ledger keeps of it.
func LedgerQuery(ofPoints, ofVouchers string, event int64, voucher bool) (query, ref string) {
	query = `SELECT ` + ofPoints + ` FROM money.point_member WHERE ref_unique_id = $1 AND point_status_code = 'S'`
	if voucher {
		query = `SELECT ` + ofVouchers + ` FROM money.vouchers WHERE ref = $1`
	}
	return query, strconv.FormatInt(event, 10)
}

// Open says what is open of an event that does not complete, for a report: jobs and chunks.
func Open(ctx context.Context, db Querier, event int64) string {
	const query = `SELECT coalesce(string_agg(line, '; '), 'nothing') FROM (
		SELECT format('%s jobs of kind %s are %s, the most attempts are %s', count(*), kind, state,
		max(attempt)) AS line
			FROM river.river_job WHERE state <> 'completed' AND args @> jsonb_build_object('event_id', $1::bigint)
			GROUP BY kind, state
		UNION ALL
		SELECT format('of %s chunks %s are not published, %s not settled, %s claimed', count(*),
		count(*) FILTER (WHERE published_at IS NULL),
				count(*) FILTER (WHERE settled_at IS NULL), count(*) FILTER (WHERE open_until > now()))
			FROM grant_chunks WHERE event_id = $1) x`
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var said string
	if err := db.QueryRow(ctx, query, event).Scan(&said); err != nil {
		return err.Error()
	}
	return said
}
