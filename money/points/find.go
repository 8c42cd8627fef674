package points

import (
	"context"
	"fmt"
	"strings"

	"bestow/internal/pg"
	"bestow/money"

	"github.com/jackc/pgx/v5"
)

// movement is a row of point_member, as far as a later movement has to know it.
type movement struct {
	key      string
	id       int64
	member   string
	status   status
	point    int64
	undo     int64
	memo     string
	typeCode string
	ref      string
	cancel   *cancelRow // of a save-cancel
}

// cancelRow is a row of point_cancel.
type cancelRow struct {
	policy                             money.OnUsed
	asked, taken, expired, uncollected int64
}

// The words of a memo, which keep of a cancel what its row has no column for.
const (
	memoRest   = "asked:rest"
	memoExpire = "on_expired_lot:expire"
	memoOf     = "of:P" // of what was saved anew: the save from which its points come
)

// has reports whether the memo holds word.
func (m *movement) has(word string) bool {
	for w := range strings.FieldsSeq(m.memo) {
		if w == word {
			return true
		}
	}
	return false
}

// findSQL probes key by key, as the book of points does.
const findSQL = `SELECT k.key, m.point_member_id, m.member_id, m.point_status_code, m.point, coalesce(m.undo_point_member_id, 0),
		coalesce(m.memo, ''), m.point_type_code, coalesce(m.ref_unique_id, ''), c.policy, c.asked, c.taken, c.expired, c.uncollected
	FROM unnest($1::text[]) k (key)
	CROSS JOIN LATERAL (SELECT * FROM money.point_member WHERE idempotency_key = k.key LIMIT 1) m
	LEFT JOIN LATERAL (SELECT * FROM money.point_cancel
		WHERE member_id = m.member_id AND cancel_point_member_id = m.point_member_id LIMIT 1) c ON m.point_status_code = 'C'`

// targetSQL reads movements of members by their ids.
const targetSQL = `SELECT m.idempotency_key, m.point_member_id, m.member_id, m.point_status_code, m.point,
		coalesce(m.undo_point_member_id, 0), coalesce(m.memo, ''), m.point_type_code, coalesce(m.ref_unique_id, ''),
		NULL::varchar, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint
	FROM money.point_member m WHERE m.member_id = $1 AND m.point_member_id = $2`

// collectMovements reads the rows of findSQL or targetSQL, by key.
func collectMovements(rows pgx.Rows) (map[string]*movement, error) {
	found := map[string]*movement{}
	defer rows.Close()
	for rows.Next() {
		var m movement
		var policy *money.OnUsed
		var asked, taken, expired, uncollected *int64
		err := rows.Scan(&m.key, &m.id, &m.member, &m.status, &m.point, &m.undo, &m.memo, &m.typeCode, &m.ref,
			&policy, &asked, &taken, &expired, &uncollected)
		if err != nil {
			return nil, fmt.Errorf("read movements: %w", err)
		}
		if policy != nil {
			m.cancel = &cancelRow{*policy, *asked, *taken, *expired, *uncollected}
		}
		found[m.key] = &m
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read movements: %w", err)
	}
	return found, nil
}

// findMovements returns what stands under keys, by key.
func findMovements(ctx context.Context, q pg.Querier, keys []string) (map[string]*movement, error) {
	rows, err := q.Query(ctx, findSQL, keys)
	if err != nil {
		return nil, fmt.Errorf("read movements: %w", err)
	}
	return collectMovements(rows)
}

// selectParts returns what a movement did to each lot, in the order in which it did.
func selectParts(ctx context.Context, q pg.Querier, member string, id int64) ([]money.Part, error) {
	const query = `SELECT save_point_member_id, point FROM money.point_draw
		WHERE member_id = $1 AND point_member_id = $2 ORDER BY point_member_detail_id`
	rows, err := q.Query(ctx, query, member, id)
	if err != nil {
		return nil, fmt.Errorf("read details: %w", err)
	}
	parts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p money.Part, err error) {
		var lot int64
		err = row.Scan(&lot, &p.Amount)
		p.SaveID = money.Points.TxID(lot)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("read details: %w", err)
	}
	return parts, nil
}

// status is point_status_code.
type status string

const (
	statusSave       status = "S"
	statusUse        status = "U"
	statusUseCancel  status = "R"
	statusSaveCancel status = "C"
	statusExpire     status = "E"
)

// kind returns the word for s, "" for a status that does not exist.
func (s status) kind() money.MovementKind {
	switch s {
	case statusSave:
		return money.KindSave
	case statusUse:
		return money.KindUse
	case statusUseCancel:
		return money.KindUseCancel
	case statusSaveCancel:
		return money.KindSaveCancel
	case statusExpire:
		return money.KindExpire
	}
	return ""
}

// statusOf returns the status of k, "" for a kind that does not exist.
func statusOf(k money.MovementKind) status {
	for _, s := range []status{statusSave, statusUse, statusUseCancel, statusSaveCancel, statusExpire} {
		if s.kind() == k {
			return s
		}
	}
	return ""
}
