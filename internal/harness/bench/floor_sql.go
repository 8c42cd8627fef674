package bench

// The product's statements, written down once more: a test compares them with what the product sends. Where the product
// puts a table's name into a statement, these have it, or a verb for it.
const (
	sqlLock       = `SELECT pg_advisory_xact_lock($1)`
	sqlLockShared = `SELECT pg_advisory_xact_lock_shared($1)`
	sqlLockClaim  = `SELECT pg_advisory_xact_lock_shared($1), pg_advisory_xact_lock_shared($2)`
	sqlTryLock    = `SELECT pg_try_advisory_xact_lock($1)`
	sqlTryShared  = `SELECT pg_try_advisory_xact_lock_shared($1)`

	sqlEvent = `SELECT e.id, e.campaign_id, e.event_status, coalesce(e.failure_code, ''), coalesce(e.default_reason, ''),
		coalesce(e.default_amount, 0), e.expiry_at, coalesce(e.expiry_at <= clock_timestamp(), false), e.total_count, e.total_amount, e.partition_count,
		e.reservation_at, e.reservation_priority, e.event_status = 'PENDING' AND (e.reservation_missed
			OR e.total_count = 0 AND coalesce(e.reservation_at <= clock_timestamp(), false)), e.created_by, e.created_at, e.updated_at,
		y.code, y.label, y.granter, y.operation, y.topic, coalesce(y.unit, ''),
		coalesce(y.max_per_member, 0), coalesce(y.max_per_event, 0), coalesce(y.max_count, 0), y.limits_seeded,
		s.published_count, s.success_count, s.fail_count, s.retry_success_count,
		s.started_at, s.completed_at, s.stopped_at, coalesce(s.stopped_memo, '')
		FROM campaign_events e JOIN event_types y ON y.code = e.event_type
		JOIN campaign_event_summary s ON s.event_id = e.id WHERE e.id = $1`
	sqlBrakes     = `SELECT scope, by, memo, at FROM brakes ORDER BY scope <> 'all', scope`
	sqlStatus     = `UPDATE campaign_events SET event_status = $3, updated_at = now() WHERE id = $1 AND event_status = $2`
	sqlListChunks = `SELECT partition_key, first_id, last_id, target_count, content_hash, import_id
		FROM grant_chunks WHERE event_id = $1 ORDER BY partition_key, first_id`
	sqlSeals = `SELECT i.id, i.digest, i.seal, i.hashed, k.imports_seal
		FROM imports i LEFT JOIN event_keys k ON k.event_id = i.event_id WHERE i.event_id = $1 ORDER BY i.id`
	sqlKeepRoot     = `INSERT INTO starts (event_id, at, by, root, definition) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (event_id) DO NOTHING`
	sqlStampStarted = `UPDATE campaign_event_summary SET started_at = coalesce(started_at, clock_timestamp()), updated_at = now()
		WHERE event_id = $1 RETURNING started_at`
	sqlStampCompleted = `UPDATE campaign_event_summary SET completed_at = now(), updated_at = now() WHERE event_id = $1`
)

// T1, the import.
const (
	sqlSetUpImport = `SET LOCAL plan_cache_mode = auto; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
		SET LOCAL application_name = 'bestow import'`
	sqlNow          = `SELECT now()`
	sqlEnded        = `SELECT ended_by FROM ended_uploads WHERE event_id = $1 AND ended_at >= $2`
	sqlOwnPartition = `SELECT own_partition FROM campaign_events WHERE id = $1`
	sqlStages       = `SELECT relname::text FROM pg_class WHERE starts_with(relname, $1) AND relname >= $1 AND relname < $1 || 'a'
		AND relkind = 'r' AND pg_table_is_visible(oid)`
	sqlCreateStage     = `SELECT create_import_stage($1)`
	sqlDropStage       = `SELECT drop_import_stage($1, $2)`
	sqlStageSettings   = `SET synchronous_commit = off; SET work_mem = '16MB'; SET jit = off; SET statement_timeout = 0`
	sqlCopyStage       = `COPY %q (line, amount, key, reason, raw, code) FROM STDIN (FORMAT binary)`
	sqlReserve         = `SELECT setval($1::regclass, nextval($1::regclass) + $2 - 1) - $2 + 1`
	sqlCreatePartition = `SELECT create_targets_partition($1, $2)`
	sqlOrdered         = `SELECT key, amount, line, reason FROM %q WHERE code IS NULL ORDER BY key, line`
	sqlCopyTargets     = `COPY %q (id, event_id, amount, partition_key, member_id, reason) FROM STDIN (FORMAT binary)`
	sqlImport          = `INSERT INTO imports (event_id, created_by, content_type, header, sha256, bytes, accepted, rejected, total_amount, hashed,
			defaulted, max_amount, list_sum, member_sample)
		VALUES ($1, $2, $3, nullif($4, ''), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id`
	sqlDigest          = `UPDATE imports SET digest = import_digest(id) WHERE id = $1 RETURNING digest`
	sqlSeal            = `UPDATE imports SET seal = $2 WHERE id = $1`
	sqlSealed          = `SELECT id, seal FROM imports WHERE event_id = $1 AND seal IS NOT NULL ORDER BY id`
	sqlImportsSeal     = `UPDATE event_keys SET imports_seal = $2 WHERE event_id = $1`
	sqlKey             = `SELECT wrapped FROM "event_keys" WHERE event_id = $1`
	sqlKeepKey         = `INSERT INTO "event_keys" (event_id, wrapped) VALUES ($1, $2) ON CONFLICT (event_id) DO NOTHING`
	sqlIndexPartition  = `SELECT index_targets_partition($1, $2)`
	sqlLockTimeout     = `SET LOCAL lock_timeout = '2s'`
	sqlAttachPartition = `SELECT attach_targets_partition($1, $2)`
	sqlNoLockTimeout   = `SET LOCAL lock_timeout TO DEFAULT`
	sqlTotals          = `UPDATE campaign_events
		SET total_count = total_count + $2, total_amount = total_amount + $3, own_partition = coalesce(own_partition, $4),
			reservation_missed = reservation_missed OR total_count = 0 AND coalesce(reservation_at <= clock_timestamp(), false), updated_at = now()
		WHERE id = $1 AND event_status = 'PENDING' AND partition_count = $5
		  AND coalesce(default_amount, 0) = $6 AND coalesce(default_reason, '') = $7`
)

// T3, the relay.
const (
	sqlRelayed = `SELECT e.event_status, coalesce(e.default_reason, ''), e.expiry_at, e.total_count,
			coalesce(s.stopped_at, 'epoch'), y.code, y.topic,
			EXISTS (SELECT FROM brakes b WHERE b.scope IN ('all', 'type:' || e.event_type))
		FROM campaign_events e JOIN event_types y ON y.code = e.event_type
		JOIN campaign_event_summary s ON s.event_id = e.id WHERE e.id = $1`
	sqlChunks = `SELECT event_id, partition_key, first_id, last_id FROM grant_chunks
		WHERE event_id = $1 AND partition_key = $2 AND first_id BETWEEN $3 AND $4 ORDER BY first_id`
	sqlGrants = `SELECT t.id, t.member_id, t.amount, coalesce(t.reason, $5), 0, 0 FROM "point_targets" t
		WHERE t.event_id = $1 AND t.partition_key = $2 AND t.id BETWEEN $3 AND $4
		  AND t.publish_status = 'PENDING' ORDER BY t.id`
	sqlMark = `UPDATE "point_targets" SET publish_status = 'PUBLISHED', updated_at = now()
		WHERE event_id = $1 AND partition_key = $2 AND id BETWEEN $3 AND $4 AND publish_status = 'PENDING'`
	sqlMarkChunks = `UPDATE grant_chunks SET published_at = now(), updated_at = now()
		WHERE event_id = $1 AND partition_key = $2 AND first_id BETWEEN $3 AND $4`
	sqlPublished = `UPDATE campaign_event_summary SET published_count = published_count + $2, updated_at = now() WHERE event_id = $1
		RETURNING published_count, success_count + fail_count`
)

// T4, the claim.
const (
	sqlClaimed = `SELECT e.id, e.campaign_id, e.event_status, coalesce(e.failure_code, ''), coalesce(e.default_reason, ''),
		coalesce(e.default_amount, 0), e.expiry_at, e.total_count, e.total_amount, e.partition_count,
		e.reservation_at, e.reservation_priority, e.created_by, e.created_at, e.updated_at,
		y.code, y.label, y.granter, y.operation, y.topic,
		s.published_count, s.success_count, s.fail_count, s.retry_success_count,
		s.started_at, s.completed_at, s.stopped_at, coalesce(s.stopped_memo, ''),
		EXISTS (SELECT FROM brakes b WHERE b.scope IN ('all', 'type:' || e.event_type))
		FROM campaign_events e JOIN event_types y ON y.code = e.event_type
		JOIN campaign_event_summary s ON s.event_id = e.id WHERE e.id = $1`
	sqlLockChunk = `SELECT coalesce(claim_token, '00000000-0000-0000-0000-000000000000'),
			coalesce(open_until > clock_timestamp(), false), claimed_at, attempts, clock_timestamp(), content_hash
		FROM grant_chunks WHERE event_id = $1 AND partition_key = $2 AND first_id = $3 AND last_id = $4 FOR UPDATE`
	sqlTargets = `SELECT id, member_id, amount, reason FROM "point_targets"
		WHERE event_id = $1 AND partition_key = $2 AND id BETWEEN $3 AND $4 ORDER BY id`
	sqlOpenClaim = `UPDATE grant_chunks SET claim_token = $5, open_until = clock_timestamp() + $6::interval,
			claimed_at = coalesce(claimed_at, clock_timestamp()), attempts = attempts + 1,
			topic = $7, kafka_partition = $8, kafka_offset = $9, updated_at = now()
		WHERE event_id = $1 AND partition_key = $2 AND first_id = $3 AND last_id = $4`
)

// T5, the ledger.
const (
	sqlSave = `WITH saved AS (
		INSERT INTO money.point_member (member_id, point, idempotency_key, reason, issue_date, point_status_code,
			point_type_code, ref_unique_id, expiry_at, expiry_date)
		SELECT i.member_id, i.point, i.key, nullif(i.reason, ''), (SELECT to_char(now() AT TIME ZONE $1, 'YYYYMMDD')), 'S', $6, nullif($7, ''), $8, $9
		FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[]) i (member_id, point, key, reason)
		RETURNING point_member_id, member_id, point, idempotency_key, expiry_at
	), lots AS (
		INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point,
			remaining, expiry_at, point_status_code)
		SELECT point_member_id, point_member_id, point_member_id, member_id, point, point, expiry_at, 'S' FROM saved
	)
	SELECT point_member_id, idempotency_key FROM saved`
	sqlDeadline = `SELECT now(), clock_timestamp() < $1, set_config('idle_in_transaction_session_timeout', least(greatest(
		floor(extract(epoch FROM $1::timestamptz - clock_timestamp()) * 1000), 1), 2147483647)::int::text, true)`
)

// T6, the settling.
const (
	sqlResults = `INSERT INTO "point_results" (event_id, member_id, amount, status, money_tx_id)
		SELECT $1, u.m, u.a, 'SUCCESS', u.t FROM unnest($2::text[], $3::bigint[], $4::text[]) u(m, a, t)`
	sqlCloseClaim = `UPDATE grant_chunks SET settled_count = settled_count + $5,
	settled_at = CASE WHEN settled_count + $5 = target_count THEN coalesce(settled_at, clock_timestamp()) END,
	updated_at = now(), attempts = 0, claim_token = NULL, open_until = NULL
		WHERE event_id = $1 AND partition_key = $2 AND first_id = $3 AND last_id = $4 AND claim_token = $6`
	sqlCount = `UPDATE campaign_event_summary SET success_count = success_count + $2, fail_count = fail_count + $3,
			retry_success_count = retry_success_count + $4, updated_at = now()
		WHERE event_id = $1 RETURNING success_count + fail_count`
)
