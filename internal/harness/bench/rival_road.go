package bench

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// rival is the design that one comes to first: a message and a transaction for each target. It works on the product's
// tables, from the same list, and is not held back: it writes targets and what publishes them in batches, publishes and
// handles many at once, asks for both tables in one round trip, and keeps no counter that its transactions would queue
// at.
type rival struct {
	pool    *pgxpool.Pool
	event   domain.Event
	list    string
	members int
	kafka   *rivalKafka
	road    road
}

// road brings grants from a transaction to Kafka.
type road interface {
	// take writes grants so that they are published if tx commits.
	take(ctx context.Context, tx pgx.Tx, grants []rivalGrant) error
	stop() error
}

// rivalGrant is a message of a rival, and the argument of its jobs.
type rivalGrant struct {
	EventID  int64  `json:"event_id"`
	TargetID int64  `json:"target_id"`
	MemberID string `json:"member_id"`
	Amount   int64  `json:"amount"`
	Reason   string `json:"reason"`
}

// key is the ledger's idempotency key of the grant.
func (g rivalGrant) key() string {
	return "grant:" + strconv.FormatInt(g.EventID, 10) + ":" + g.MemberID
}

const (
	// rivalConnections is as many as a process of the product has, and one for each outbox.
	rivalConnections = 20 + outboxes
	// rivalBatch is the number of targets that are handed over in one transaction.
	rivalBatch = 1000
)

// openRival starts a rival and waits until it consumes.
func (s *server) openRival(ctx context.Context, a *arena) (_ *rival, err error) {
	r := &rival{event: a.events[0], list: s.list, members: a.members}
	if r.pool, err = openOwn(ctx, a.at, rivalConnections); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.stop())
		}
	}()
	if r.kafka, err = startRivalKafka(ctx, s.Brokers, newPrefix()+"."+a.kind, s.Partitions, r.handle); err != nil {
		return r, err
	}
	r.road, err = r.openRoad(ctx, a.kind)
	return r, err
}

// openRoad returns no road but nil with an error.
func (r *rival) openRoad(ctx context.Context, kind string) (road, error) {
	if kind == Jobs {
		j, err := openJobs(ctx, r.pool, r.kafka)
		if err != nil {
			return nil, err
		}
		return j, nil
	}
	o, err := openOutbox(ctx, r.pool, r.kafka)
	if err != nil {
		return nil, errors.Join(err, o.stop())
	}
	return o, nil
}

func (r *rival) stop() (err error) {
	if r.road != nil {
		err = r.road.stop()
	}
	if r.kafka != nil {
		err = errors.Join(err, r.kafka.stop())
	}
	r.pool.Close()
	return err
}

// load copies the list into the targets, in one transaction.
func (r *rival) load(ctx context.Context) (err error) {
	f, err := os.Open(r.list)
	if err != nil {
		return fmt.Errorf("open member list: %w", err)
	}
	defer func() { err = closeAll(err, f) }()
	rows := &rivalList{rival: r, csv: csv.NewReader(f)}
	if _, err := rows.csv.Read(); err != nil {
		return fmt.Errorf("read header: %w", err)
	}
	return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		columns := []string{"event_id", "amount", "partition_key", "member_id", "reason"}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{r.event.Type.TargetTable()}, columns, rows); err != nil {
			return fmt.Errorf("copy targets: %w", err)
		}
		_, err := tx.Exec(ctx, `UPDATE campaign_events SET total_count = $2, total_amount = $3 WHERE id = $1`,
			r.event.ID, rows.n, rows.sum)
		return err
	})
}

// rivalList is the first members of the list, as rows of targets.
type rivalList struct {
	rival *rival
	csv   *csv.Reader
	n     int
	sum   int64
	row   []any
	err   error
}

// Next reads a line.
func (l *rivalList) Next() bool {
	if l.n == l.rival.members {
		return false
	}
	record, err := l.csv.Read()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			l.err = err
		}
		return false
	}
	amount, reason := l.rival.event.DefaultAmount, any(nil)
	if record[1] != "" {
		if amount, l.err = strconv.ParseInt(record[1], 10, 64); l.err != nil {
			return false
		}
	}
	if record[2] != "" {
		reason = record[2]
	}
	member, e := record[0], l.rival.event
	l.n, l.sum = l.n+1, l.sum+amount
	l.row = []any{e.ID, amount, domain.PartitionKey(e.ID, member, e.Partitions), member, reason}
	return true
}

// Values is the row.
func (l *rivalList) Values() ([]any, error) { return l.row, nil }

// Err returns what ended the rows too early.
func (l *rivalList) Err() error { return l.err }

// grant starts the event, hands its targets over, and closes it when all were handled.
func (r *rival) grant(ctx context.Context) error {
	err := r.both(ctx,
		`UPDATE campaign_events SET event_status = 'RUNNING', updated_at = now() WHERE id = $1`,
		`UPDATE campaign_event_summary SET started_at = now(), updated_at = now() WHERE event_id = $1`)
	if err != nil {
		return err
	}
	for after, n := int64(0), rivalBatch; n == rivalBatch; {
		if after, n, err = r.handOver(ctx, after); err != nil {
			return err
		}
	}
	err = until(ctx, longest, func() (bool, error) {
		return r.kafka.handled.Load() >= int64(r.members),
			r.kafka.failed()
	})
	if err != nil {
		return err
	}
	return r.both(ctx,
		`UPDATE campaign_event_summary SET (published_count, success_count) =
			(SELECT count(*), count(*) FROM point_results WHERE event_id = $1 AND status = 'SUCCESS'),
			completed_at = now(), updated_at = now() WHERE event_id = $1`,
		`UPDATE campaign_events SET event_status = 'COMPLETED', updated_at = now() WHERE id = $1`)
}

// both executes two statements about the event in one transaction.
func (r *rival) both(ctx context.Context, statements ...string) error {
	return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		for _, sql := range statements {
			if _, err := tx.Exec(ctx, sql, r.event.ID); err != nil {
				return fmt.Errorf("execute %.40q: %w", sql, err)
			}
		}
		return nil
	})
}

// handOver gives a batch of targets behind the id after to the road, and marks them, in one transaction.
func (r *rival) handOver(ctx context.Context, after int64) (last int64, n int, err error) {
	const (
		query = `SELECT event_id, id, member_id, amount, coalesce(reason, $3) FROM point_targets
			WHERE event_id = $1 AND id > $2 AND publish_status = 'PENDING' ORDER BY id LIMIT $4`
		mark = `UPDATE point_targets SET publish_status = 'PUBLISHED', updated_at = now() WHERE event_id = $1 AND id > $2 AND id <= $3`
	)
	err = pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, query, r.event.ID, after, r.event.DefaultReason, rivalBatch)
		if err != nil {
			return err
		}
		grants, err := pgx.CollectRows(rows, pgx.RowToStructByPos[rivalGrant])
		if err != nil || len(grants) == 0 {
			return err
		}
		last, n = grants[len(grants)-1].TargetID, len(grants)
		if err := r.road.take(ctx, tx, grants); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, mark, r.event.ID, after, last)
		return err
	})
	if err != nil {
		return last, n, fmt.Errorf("hand over: %w", err)
	}
	return last, n, nil
}

// The transaction of a target. A message that comes again changes nothing.
const (
	sqlRivalSave = `WITH saved AS (
		INSERT INTO money.point_member (member_id, point, idempotency_key, reason, issue_date, point_status_code,
			point_type_code, ref_unique_id, expiry_date)
		VALUES ($1, $2, $3, $4, to_char(now() AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD'), 'S', 'CM', $5, '99991231')
		ON CONFLICT (idempotency_key) DO NOTHING RETURNING point_member_id, member_id, point
	)
	INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, point_status_code)
		SELECT point_member_id, point_member_id, point_member_id, member_id, point, point, 'S' FROM saved`
	sqlRivalResult = `INSERT INTO point_results (event_id, member_id, amount, status, money_tx_id)
		SELECT $1, member_id, point, 'SUCCESS', 'P' || point_member_id FROM money.point_member WHERE idempotency_key = $2
		ON CONFLICT (event_id, member_id) DO NOTHING`
)

// handle grants one target: the ledger and the result in one transaction, which is one round trip.
func (r *rival) handle(ctx context.Context, g rivalGrant) error {
	b := &pgx.Batch{}
	b.Queue(sqlRivalSave, g.MemberID, g.Amount, g.key(), g.Reason, strconv.FormatInt(g.EventID, 10))
	b.Queue(sqlRivalResult, g.EventID, g.key())
	if err := r.pool.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("grant %s: %w", g.key(), err)
	}
	return nil
}
