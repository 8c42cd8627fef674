REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public, money, river TO bestow_service;
GRANT SELECT ON ALL TABLES IN SCHEMA public, money, river TO bestow_service;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public, money, river TO bestow_service;

-- Tables are made and dropped by functions of the owner, which check what they are asked for.
GRANT EXECUTE ON FUNCTION create_event_type_tables, create_targets_partition, index_targets_partition TO bestow_service;
GRANT EXECUTE ON FUNCTION attach_targets_partition, drop_targets_partition, analyze_targets TO bestow_service;
GRANT EXECUTE ON FUNCTION create_import_stage, drop_import_stage TO bestow_service;

-- Rows are added, and never changed.
GRANT INSERT ON audit_log, audit_chain, audit_anchors, starts, deleted_events, deleted_imports TO bestow_service;
GRANT INSERT ON idempotency_keys, identities, pin_keys, granter_ledgers, rejected_rows, event_facts TO bestow_service;

-- Event types, and events with their counters.
GRANT INSERT, UPDATE (label, unit, max_per_member, max_per_event, max_count, limits_seeded, state, updated_at)
    ON event_types TO bestow_service;
GRANT UPDATE (last_id) ON event_ids TO bestow_service;
GRANT UPDATE ON SEQUENCE campaign_events_id_seq TO bestow_service;
GRANT INSERT, DELETE, UPDATE (campaign_id, name, event_type, event_status, failure_code, default_reason, default_amount,
    expiry_at, total_count, total_amount, partition_count, own_partition, reservation_at, reservation_priority,
    reservation_missed, updated_at) ON campaign_events TO bestow_service;
GRANT INSERT, UPDATE (published_count, success_count, fail_count, retry_success_count, started_at, completed_at, stopped_at,
    stopped_memo, updated_at) ON campaign_event_summary TO bestow_service;
GRANT INSERT, DELETE, UPDATE (scope) ON brakes TO bestow_service;

-- Member lists, and how far their chunks are.
GRANT INSERT, DELETE, UPDATE (digest, seal) ON imports TO bestow_service;
GRANT INSERT, DELETE, UPDATE (imports_seal) ON event_keys TO bestow_service;
GRANT INSERT, DELETE, UPDATE (published_at, claim_token, claimed_at, open_until, attempts, topic, kafka_partition,
    kafka_offset, settled_count, settled_at, reconciled, updated_at) ON grant_chunks TO bestow_service;
GRANT INSERT, UPDATE (ended_by, ended_at) ON ended_uploads TO bestow_service;
GRANT INSERT, DELETE, UPDATE (received, expires_at) ON uploads TO bestow_service;
GRANT INSERT ON upload_pieces TO bestow_service;

-- Targets and results. The tables of a new type get the rights of these.
GRANT INSERT, DELETE, UPDATE (publish_status, updated_at) ON point_targets, voucher_targets TO bestow_service;
GRANT UPDATE ON SEQUENCE point_targets_id_seq, voucher_targets_id_seq TO bestow_service;
GRANT INSERT, UPDATE (status, money_tx_id, error_code, error_message, retry_count, redrive, redrive_done, updated_at)
    ON point_results, voucher_results TO bestow_service;
GRANT UPDATE (voucher_code, voucher_pin, voucher_expiry_at) ON voucher_results TO bestow_service;
GRANT USAGE ON SEQUENCE point_results_id_seq, voucher_results_id_seq TO bestow_service;

-- Messages that no handler can use, the looks for lost ones, reports, and the list of the processes that run.
GRANT INSERT, UPDATE (replayed_at, cause, detail) ON parked_messages TO bestow_service;
GRANT INSERT, DELETE ON reconcile_moments, verify_reports TO bestow_service;
GRANT INSERT, UPDATE, DELETE ON processes TO bestow_service;

-- Keys and people.
GRANT INSERT, UPDATE (role, disabled_at) ON principals TO bestow_service;
GRANT INSERT, UPDATE (last_used_at, revoked_at, revoked_by) ON api_keys TO bestow_service;
GRANT INSERT, UPDATE (hash, wrapped, last_step, invited_by, set_at, failures, failed_at, wrong_codes, wrong_code_at)
    ON passwords TO bestow_service;
GRANT INSERT, DELETE, UPDATE (wrapped, used_at) ON invites TO bestow_service;
GRANT INSERT, DELETE, UPDATE (sha256, seen_at, fresh_at, ended_at, ended_by) ON sessions TO bestow_service;

-- River's jobs.
GRANT INSERT, UPDATE, DELETE ON river.river_job, river.river_leader, river.river_queue TO bestow_service;
GRANT INSERT, DELETE ON river.river_notification TO bestow_service;
GRANT USAGE ON SEQUENCE river.river_job_id_seq, river.river_notification_id_seq TO bestow_service;

-- The ledger, as when it runs apart.
GRANT INSERT ON money.point_member, money.point_lot, money.point_draw, money.point_cancel TO bestow_service;
GRANT INSERT ON money.vouchers, money.voucher_events, money.seal_keys TO bestow_service;
GRANT USAGE ON SEQUENCE money.point_member_id_seq TO bestow_service;
GRANT UPDATE (remaining) ON money.point_lot TO bestow_service;
GRANT UPDATE (collected) ON money.point_cancel TO bestow_service;
GRANT INSERT, UPDATE (owed) ON money.point_account TO bestow_service;
GRANT UPDATE (reason) ON money.vouchers TO bestow_service;
GRANT INSERT, UPDATE ON money.point_master TO bestow_service;
GRANT INSERT, DELETE ON money.point_due, money.point_forecast, money.point_total TO bestow_service;
GRANT UPDATE (swept_until) ON money.point_sweep TO bestow_service;
GRANT UPDATE (installation, paired_at) ON money.ledger TO bestow_service;

-- Event types that were made before: as POINT or VOUCHER.
SELECT copy_rights((CASE operation WHEN 'vouchers' THEN 'voucher' ELSE 'point' END || part)::regclass, (lower(code) || part)::regclass)
FROM event_types CROSS JOIN unnest('{_targets,_targets_default,_targets_id_seq,_results,_results_id_seq}'::text[]) part
WHERE code NOT IN ('POINT', 'VOUCHER') AND state <> 'CREATING';
