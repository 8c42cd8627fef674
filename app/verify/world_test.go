package verify

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bestow/domain"
	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// plantedEvent is an event in some state of its life, written row by row. Its members are m00, m01, …; states has a
// letter for each, in the order of (partition, member), and chunks are cut after every chunkSize of a partition:
//
//	S granted   R granted after a refusal   G given up   D given up, redriven, granted by the ledger, not settled yet
//	F refused   A the same, granted by the ledger meanwhile   U unknown   M the ledger contradicts itself
//	. published, no result   a the same, granted by the ledger   n not published   e granted before the relay's mark
type plantedEvent struct {
	id         int64
	kind       string
	status     domain.Status
	partitions int
	lane       string // reservation_at; "" for none
	own        bool   // in a partition of its own
	states     string
}

const chunkSize = 4

// plantedWorld is a database in which everything is as it may be: events in every status, of both types, one beside the
// other, members whose points were spent, and jobs in every state that is no failure.
func plantedWorld() []plantedEvent {
	return []plantedEvent{
		{id: 1, kind: "POINT", status: domain.Completed, partitions: 4, own: true, states: strings.Repeat("SSRSG", 6) + "D"},
		{id: 2, kind: "VOUCHER", status: domain.Completed, partitions: 3, states: strings.Repeat("SRSGS", 4)},
		{id: 3, kind: "POINT", status: domain.Running, partitions: 1, lane: "2026-12-01 09:00:00+09", states: "SSRG" + "SUF." + "Aa.S" + "nnnn" + "nnnn" + "eeee"},
		{id: 4, kind: "POINT", status: domain.Pending, partitions: 1, lane: "2026-12-01 09:00:00+09", states: "nnnn" + "nn"},
		{id: 5, kind: "POINT", status: domain.Stopped, partitions: 1, states: "SSaa" + "FUA." + "nnnn" + "eeee"},
		{id: 6, kind: "POINT", status: domain.Failed, partitions: 1, states: "SSMS" + "nnnn"},
		{id: 7, kind: "VOUCHER", status: domain.Running, partitions: 1, lane: "2026-12-02 09:00:00+09", states: "SSRa" + "...." + "nnnn"},
		{id: 8, kind: "POINT", status: domain.Completed, partitions: 1, states: "SSSSSS"},
	}
}

// plant puts the world into a database of the test's own.
func plant(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	pool := pgtest.New(tb)
	plantKeys(tb, pool)
	for _, e := range plantedWorld() {
		require.NoError(tb, pgx.BeginFunc(tb.Context(), pool,
			func(tx pgx.Tx) error { return e.insert(tb.Context(), tx) }), "event %d", e.id)
	}
	_, err := pool.Exec(tb.Context(), plantedSpending+plantedIDs)
	require.NoError(tb, err)
	for _, e := range plantedWorld() {
		require.NoError(tb, pgx.BeginFunc(tb.Context(), pool,
			func(tx pgx.Tx) error { return sealPlanted(tb.Context(), tx, plantedStore, e.id) }), "event %d", e.id)
	}
	return pool
}

// plantedIDs holds what remains of events 9 and 10, which were deleted; events 4 and 5 have a second list, of their
// last chunk; and the sequences stand where the rows need them. A voucher of event 7 is cancelled, another was redeemed
// and restored.
const plantedIDs = `;
	INSERT INTO imports (id, event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount, hashed)
	SELECT event_id + 6, event_id, 'test', 'text/csv', '\x00'::bytea, 1, count(*), 0, sum(amount), true FROM point_targets
	WHERE event_id = 5 AND id >= 5012 GROUP BY event_id
	UNION ALL
	SELECT event_id + 8, event_id, 'test', 'text/csv', '\x00'::bytea, 1, count(*), 0, sum(amount), true FROM point_targets
	WHERE event_id = 4 AND id >= 4004 GROUP BY event_id;
	UPDATE imports i SET accepted = i.accepted - o.accepted, total_amount = i.total_amount - o.total_amount FROM imports o
	WHERE o.event_id = i.event_id AND o.id > i.id;
	UPDATE grant_chunks SET import_id = CASE event_id WHEN 5 THEN 11 ELSE 12 END WHERE event_id IN (4, 5) AND first_id IN (4004, 5012);
	UPDATE event_ids SET last_id = 10;
	INSERT INTO deleted_events (event_id, campaign_id, total_count, total_amount, deleted_by) VALUES (9, 'campaign-9', 0, 0, 'test'), (10, 'campaign-10', 1, 5, 'test');
	SELECT setval('campaign_events_id_seq', 10), setval('imports_id_seq', 12), setval('point_targets_id_seq', 10000), setval('voucher_targets_id_seq', 10000),
	       setval('money.point_member_id_seq', 10000), setval('money.vouchers_voucher_id_seq', 10000);
	INSERT INTO rejected_rows (import_id, line, first_line, error_code, reason, raw)
	VALUES (1, 3, 2, 'duplicate_member', 'the member stands on line 2 already', 'm00,100'), (1, 7, NULL, 'bad_amount', 'no number', 'm99,x'), (8, 4, NULL, 'bad_amount', 'no number', 'm98,y');
	UPDATE imports i SET max_amount = (SELECT max(t.amount) FROM grant_chunks c JOIN (
		SELECT event_id, id, amount FROM point_targets UNION ALL SELECT event_id, id, amount FROM voucher_targets) t
		ON t.event_id = c.event_id AND t.id BETWEEN c.first_id AND c.last_id WHERE c.import_id = i.id);
	UPDATE imports SET rejected = (SELECT count(*) FROM rejected_rows WHERE import_id = id);
	UPDATE imports SET digest = import_digest(id);
	INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload, digest)
	SELECT 'undecodable', 'no JSON', 'grants.point', 0, 7, '\x00ff', sha256(convert_to(ROW('grants.point', 0, 7, '00ff')::text, 'UTF8'));
	INSERT INTO idempotency_keys (actor, key, fingerprint, answer, digest)
	SELECT 'test', 'once', '\x01', '{"ID": 1}', sha256(convert_to(ROW('test', 'once', '01', '{"ID": 1}'::jsonb)::text, 'UTF8'));
	INSERT INTO money.voucher_events (member_id, voucher_id, kind, idempotency_key)
	SELECT member_id, voucher_id, kind, kind || voucher_id FROM money.vouchers
	JOIN (VALUES (7000, 'CANCELLED'), (7002, 'REDEEMED'), (7002, 'RESTORED')) e (id, kind) ON id = voucher_id`

// plantedSpending is the history of members beside campaigns. Of spender, lots of 1000 and 2000 are saved, 2500 are
// used, 700 of that is given back, latest lot first, and a lot of 300 has expired. Of debtor, a save of 500 is
// cancelled of which 400 are used; 150 of the debt are collected. Of orderer, 20 of a save are cancelled that is used;
// then 60 of the order are cancelled: the claim takes its 20, and 40, whose lot has expired, are saved anew.
const plantedSpending = `
	CREATE TEMP TABLE moves AS SELECT to_char(now() AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD') AS today, now() - interval '1 day' AS past,
		to_char((now() - interval '1 day') AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD') AS yesterday, now() + interval '30 days' AS later,
		to_char((now() + interval '30 days' - interval '1 microsecond') AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD') AS month;
	INSERT INTO money.point_member (point_member_id, member_id, point, point_status_code, point_type_code, issue_date, expiry_date, expiry_at,
		idempotency_key, undo_point_member_id, memo)
	SELECT v.* FROM moves, LATERAL (VALUES
		(9001, 'spender', 1000, 'S', 'CS', today, '99991231', NULL, 'k1', NULL::bigint, NULL), (9002, 'spender', 2000, 'S', 'RV', today, '99991231', NULL, 'k2', NULL, NULL),
		(9003, 'spender', -2500, 'U', 'PAY', today, '99991231', NULL, 'k3', NULL, NULL), (9004, 'spender', 700, 'R', 'PAY', today, '99991231', NULL, 'k4', 9003, NULL),
		(9005, 'spender', 300, 'S', 'RV', today, yesterday, past, 'k5', NULL, NULL), (9006, 'spender', -300, 'E', 'EXP', today, '99991231', NULL, 'expire:P9005', NULL, NULL),
		(9201, 'debtor', 500, 'S', 'RV', today, '99991231', NULL, 'd1', NULL, NULL), (9202, 'debtor', -400, 'U', 'PAY', today, '99991231', NULL, 'd2', NULL, NULL),
		(9203, 'debtor', -100, 'C', 'RV', today, '99991231', NULL, 'd3', 9201, 'asked:rest'), (9204, 'debtor', 150, 'S', 'RV', today, '99991231', NULL, 'd4', NULL, NULL),
		(9205, 'debtor', -150, 'C', 'RV', today, '99991231', NULL, 'collect:P9203:0', 9201, NULL),
		(9301, 'orderer', 100, 'S', 'RV', today, yesterday, past, 'o1', NULL, NULL), (9302, 'orderer', -100, 'U', 'PAY', today, '99991231', NULL, 'o2', NULL, NULL),
		(9303, 'orderer', 0, 'C', 'RV', today, '99991231', NULL, 'o3', 9301, NULL), (9304, 'orderer', 60, 'R', 'PAY', today, '99991231', NULL, 'o4', 9302, NULL),
		(9305, 'orderer', -20, 'C', 'RV', today, '99991231', NULL, 'claim:P9304:P9303:P9301', 9301, NULL),
		(9306, 'orderer', -40, 'E', 'EXP', today, '99991231', NULL, 'expire:P9304:P9301', 9304, NULL),
		(9307, 'orderer', 40, 'S', 'RG', today, month, later, 'regrant:P9304:P9301', 9304, 'of:P9301')) v;
	INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, expiry_at, point_status_code)
	SELECT m.point_member_id, m.point_member_id, m.point_member_id, m.member_id, m.point, v.remaining, m.expiry_at, 'S'
	FROM (VALUES (9001, 0), (9002, 1200), (9005, 0), (9201, 0), (9204, 0), (9301, 0), (9307, 40)) v (id, remaining)
	JOIN money.point_member m ON m.point_member_id = v.id;
	INSERT INTO money.point_draw (point_member_id, save_point_member_id, member_id, point, point_status_code)
	VALUES (9003, 9001, 'spender', -1000, 'U'), (9003, 9002, 'spender', -1500, 'U'), (9004, 9002, 'spender', 700, 'R'), (9006, 9005, 'spender', -300, 'E'),
	       (9202, 9201, 'debtor', -400, 'U'), (9203, 9201, 'debtor', -100, 'C'), (9205, 9204, 'debtor', -150, 'C'),
	       (9302, 9301, 'orderer', -100, 'U'), (9304, 9301, 'orderer', 60, 'R'), (9305, 9301, 'orderer', -20, 'C'), (9306, 9301, 'orderer', -40, 'E');
	INSERT INTO money.point_cancel (member_id, cancel_point_member_id, save_point_member_id, policy, asked, taken, expired, uncollected, collected)
	VALUES ('debtor', 9203, 9201, 'debt', 500, 100, 0, 400, 150), ('orderer', 9303, 9301, 'remaining', 20, 0, 0, 20, 20);
	INSERT INTO money.point_account (member_id, owed) VALUES ('spender', 0), ('debtor', 250), ('orderer', 0);
	DROP TABLE moves;
	INSERT INTO river.river_job (state, kind, args, max_attempts, queue, finalized_at)
	VALUES ('completed', 'close_done', '{}', 32767, 'jobs', now()), ('cancelled', 'close_done', '{}', 32767, 'jobs', now())`

// forging returns what a forger writes, past the triggers of the ledger.
func forging(sql string) string {
	return changesLedger.ReplaceAllString(sql,
		`SET session_replication_role = replica; $0; SET session_replication_role = origin`)
}

// changesLedger is a statement that changes what is append-only.
var changesLedger = regexp.MustCompile(`(?:UPDATE|DELETE FROM|TRUNCATE) money\.(?:point_|voucher)[^;]*`)

// plantedMember is a target with what came of it.
type plantedMember struct {
	id, amount int64
	member     string
	partition  int
	state      rune
}

func (m plantedMember) has(states string) bool { return strings.ContainsRune(states, m.state) }

// members gives each a partition by the rule, an id in the order of (partition, member), and its letter.
func (e plantedEvent) members() []plantedMember {
	list := make([]plantedMember, len(e.states))
	for i := range list {
		name := fmt.Sprintf("m%02d", i)
		list[i] = plantedMember{
			member: name, amount: 100 + int64(i),
			partition: domain.PartitionKey(e.id, name, e.partitions),
		}
	}
	slices.SortFunc(list, func(a, b plantedMember) int {
		if a.partition != b.partition {
			return a.partition - b.partition
		}
		return strings.Compare(a.member, b.member)
	})
	for i, state := range []rune(e.states) {
		list[i].state, list[i].id = state, e.id*1000+int64(i)
	}
	return list
}

func (e plantedEvent) insert(ctx context.Context, tx pgx.Tx) error {
	list := e.members()
	if err := e.insertEvent(ctx, tx, list); err != nil {
		return err
	}
	for _, c := range chunked(list) {
		if err := e.insertChunk(ctx, tx, c); err != nil {
			return err
		}
	}
	return hashPlanted(ctx, tx, plantedStore, e.id)
}

// insertEvent writes the event with its totals, its counters and its targets.
func (e plantedEvent) insertEvent(ctx context.Context, tx pgx.Tx, list []plantedMember) error {
	var total, published, success, fail, retried int64
	for _, m := range list {
		total += m.amount
		published += one(!m.has("ne"))
		success += one(m.has("SRe"))
		fail += one(m.has("GD"))
		retried += one(m.has("R"))
	}
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO campaign_events (id, campaign_id, event_type, event_status, failure_code, default_reason, expiry_at, total_count, total_amount, partition_count, reservation_at,
			own_partition, created_by)
		VALUES ($1, 'campaign-' || $1::bigint, $2, 'PENDING', NULL, nullif($8, ''), nullif($9, '')::timestamptz, $3, $4, $5, nullif($6, '')::timestamptz, $7, 'test')`,
		e.id, e.kind, len(list), total, e.partitions, e.lane, e.own, e.reason(), e.expiry())
	b.Queue(`INSERT INTO campaign_event_summary (event_id, published_count, success_count, fail_count, retry_success_count, started_at, completed_at, stopped_at, stopped_memo)
		VALUES ($1, $2, $3, $4, $5, CASE WHEN $6 <> 'PENDING' THEN now() END, CASE WHEN $6 = 'COMPLETED' THEN now() END, CASE WHEN $6 IN ('STOPPED', 'FAILED') THEN now() END,
			CASE $6 WHEN 'STOPPED' THEN 'why' WHEN 'FAILED' THEN 'the ledger contradicts itself' END)`, e.id, published,
		success, fail, retried, string(e.status))
	b.Queue(`INSERT INTO imports (id, event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount)
		VALUES ($1, $1, 'test', 'text/csv', '\x00', 1, $2, 0, $3)`, e.id, len(list), total)
	if e.kind == "VOUCHER" {
		plantPINKey(b, e.id)
	}
	table := e.tables().TargetTable()
	if e.own {
		table += fmt.Sprintf("_%d", e.id)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		b = &pgx.Batch{}
		if _, err := tx.Exec(ctx, `SELECT create_targets_partition($1, $2)`, e.kind, e.id); err != nil {
			return err
		}
	}
	for _, m := range list {
		b.Queue(`INSERT INTO `+pg.Quoted(table)+
			` (id, event_id, member_id, amount, partition_key, publish_status, reason)
			VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''))`, m.id, e.id, m.member, m.amount, m.partition,
			map[bool]string{true: "PENDING", false: "PUBLISHED"}[m.has("ne")], m.reason())
	}
	if e.own {
		b.Queue(`SELECT index_targets_partition($1, $2)`, e.kind, e.id)
		b.Queue(`SELECT attach_targets_partition($1, $2)`, e.kind, e.id)
	}
	b.Queue(`UPDATE campaign_events SET event_status = $2, failure_code = CASE WHEN $2::varchar = 'FAILED' THEN 'mismatch' END
		WHERE id = $1`, e.id, e.status)
	return tx.SendBatch(ctx, b).Close()
}

// reason is the event's default: the completed ones have one.
func (e plantedEvent) reason() string {
	if e.status == domain.Completed {
		return "spring"
	}
	return ""
}

// expiry is when what the event grants expires: of the first two it does.
func (e plantedEvent) expiry() string {
	if e.id < 3 {
		return "2027-06-30 23:59:59+09"
	}
	return ""
}

// reason returns what a ledger is told: every fifth member has a reason of his own.
func (m plantedMember) reason() string {
	if m.amount%5 == 0 {
		return "own"
	}
	return ""
}

func (e plantedEvent) tables() domain.EventType { return domain.EventType{Code: e.kind} }

// chunked cuts members at a change of partition and after chunkSize of them.
func chunked(list []plantedMember) (chunks [][]plantedMember) {
	for i, m := range list {
		last := len(chunks) - 1
		if i == 0 || list[i-1].partition != m.partition || len(chunks[last]) == chunkSize {
			chunks = append(chunks, nil)
			last++
		}
		chunks[last] = append(chunks[last], m)
	}
	return chunks
}

// insertChunk writes a chunk with its results, what the ledger granted, and the job that works it.
func (e plantedEvent) insertChunk(ctx context.Context, tx pgx.Tx, list []plantedMember) error {
	var settled int
	marked, claimed := false, false
	for _, m := range list {
		settled += int(one(m.has("SRGDe")))
		marked = marked || !m.has("ne")
		claimed = claimed || !m.has("n.")
	}
	first, last := list[0], list[len(list)-1]
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, settled_count, import_id, published_at, claimed_at, settled_at)
		VALUES ($1, $2, $3, $4, $5, $6, $1, CASE WHEN $7 THEN now() END, CASE WHEN $8 THEN now() END, CASE WHEN $5 = $6::int THEN now() END)`,
		e.id, first.partition, first.id, last.id, len(list), settled, marked, claimed)
	for _, m := range list {
		e.queueResult(b, m)
		e.queueSave(b, m)
	}
	if state := e.jobState(marked); state != "" {
		b.Queue(`INSERT INTO river.river_job (state, kind, args, max_attempts, queue)
			VALUES ($1, 'relay', jsonb_build_object('event_id', $2::bigint, 'partition_key', $3::int, 'first_id', $4::bigint, 'last_id', $5::bigint, 'mode', 'first', 'try', 0), 32767, 'relay')`,
			state, e.id, first.partition, first.id, last.id)
	}
	return tx.SendBatch(ctx, b).Close()
}

// jobState is that of the relay job of a chunk that is not published yet, "" for none.
func (e plantedEvent) jobState(marked bool) string {
	switch {
	case marked:
		return ""
	case e.status == domain.Running:
		return "available"
	}
	return "pending"
}

// queueResult writes what the campaign remembers of a member.
func (e plantedEvent) queueResult(b *pgx.Batch, m plantedMember) {
	if m.has(".an") {
		return
	}
	status, retries, code, tx := "SUCCESS", one(m.has("RFA"))+6*one(m.has("GD")), "", e.txID(m)
	switch {
	case m.has("GD"):
		status, code = "PERMANENTLY_FAILED", "member_withdrawn"
	case m.has("FA"):
		status, code = "FAILED", "limit"
	case m.has("M"):
		status, code = "FAILED", domain.Mismatch
	case m.has("U"):
		status = "PENDING"
	}
	if status != "SUCCESS" {
		tx = ""
	}
	b.Queue(`INSERT INTO `+pg.Quoted(e.tables().ResultTable())+
		` (event_id, member_id, amount, status, money_tx_id, retry_count, redrive, error_code)
		VALUES ($1, $2, $3, $4, nullif($5, ''), $6, $7, nullif($8, ''))`, e.id, m.member, m.amount, status, tx, retries,
		one(m.has("D")), code)
	if e.kind == "VOUCHER" && status == "SUCCESS" {
		b.Queue(`UPDATE voucher_results SET voucher_code = $3, voucher_pin = $4, voucher_expiry_at = nullif($5, '')::timestamptz
			WHERE event_id = $1 AND member_id = $2`, e.id, m.member, m.code(), plantedPIN(e.id, m), e.expiry())
	}
}

// txID is the id under which the ledger granted m: it is made of the target's, to be known beforehand.
func (e plantedEvent) txID(m plantedMember) string { return fmt.Sprintf("%c%d", e.kind[0], m.id) }

// queueSave writes what the ledger granted a member.
func (e plantedEvent) queueSave(b *pgx.Batch, m plantedMember) {
	if !m.has("SReDAaM") {
		return
	}
	amount, ref := m.amount, fmt.Sprint(e.id)
	if e.kind == "VOUCHER" {
		sealed := plantedSeals(ref, domain.Key(e.id, m.member), m)
		b.Queue(`INSERT INTO money.vouchers (voucher_id, member_id, amount, type_code, ref, reason, expiry_at, sealed_code, sealed_pin, code_hmac, idempotency_key)
			VALUES ($1, $2, $3, 'CM', $4, nullif($5, ''), nullif($6, '')::timestamptz, $7, $8, $9, $10)`, m.id,
			m.member, amount, ref, cmp.Or(m.reason(), e.reason()), e.expiry(),
			sealed.code, sealed.pin, sealed.hmac, domain.Key(e.id, m.member))
		return
	}
	b.Queue(`INSERT INTO money.point_member (point_member_id, member_id, point, point_status_code, point_type_code, issue_date, expiry_at, expiry_date, ref_unique_id, idempotency_key, reason)
		VALUES ($1, $2, $3, 'S', 'CM', to_char(now() AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD'), nullif($6, '')::timestamptz,
			coalesce(to_char((nullif($6, '')::timestamptz - interval '1 microsecond') AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD'), '99991231'), $4, $5, nullif($7, ''))`,
		m.id, m.member, amount, ref, domain.Key(e.id, m.member), e.expiry(), cmp.Or(m.reason(), e.reason()))
	b.Queue(`INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, expiry_at, point_status_code)
		VALUES ($1, $1, $1, $2, $3, $3, nullif($4, '')::timestamptz, 'S')`, m.id, m.member, amount, e.expiry())
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
