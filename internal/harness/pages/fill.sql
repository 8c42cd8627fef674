-- What a service has in its tables that has been in use for three years: pages.targets targets in pages.events events.
-- Each part that begins with "step" is one transaction. There are no keys of events, which only the service can make: no page
-- opens one.

-- step: settings of this session
SET synchronous_commit = off;
SET work_mem = '256MB';
SET maintenance_work_mem = '1GB';

-- step: people, keys and sessions
INSERT INTO principals (name, kind, role, created_by, created_at)
SELECT CASE WHEN n <= 200 THEN 'person' ELSE 'service' END || '-' || n, CASE WHEN n <= 200 THEN 'person' ELSE 'service' END,
    (ARRAY['viewer', 'operator', 'operator', 'approver', 'admin'])[1 + n % 5], 'admin', now() - n * interval '4 days'
FROM generate_series(1, 250) n;
INSERT INTO api_keys (principal_id, prefix, sha256, created_by, created_at, expires_at)
SELECT p.id, left('bk_' || md5(p.id || '.' || k), 12), sha256(convert_to(p.id || '.' || k, 'UTF8')), 'admin', now() - k * interval '90 days',
    now() + interval '90 days'
FROM principals p CROSS JOIN generate_series(1, 3) k WHERE p.kind = 'service';
INSERT INTO sessions (principal_id, sha256, address, network, created_at, seen_at, fresh_at, expires_at, ended_at, ended_by)
SELECT p.id, sha256(convert_to(p.id || '/' || k, 'UTF8')), '10.0.0.' || k % 250, '10.0.0.0/24', t.at, t.at, t.at, t.at + interval '12 hours',
    CASE WHEN k > 1 THEN t.at + interval '8 hours' END, CASE WHEN k > 1 THEN p.name END
FROM principals p CROSS JOIN generate_series(1, 100) k CROSS JOIN LATERAL (SELECT now() - k * interval '9 days' AS at) t
WHERE p.kind = 'person';

-- step: the plan of the events
CREATE TEMPORARY TABLE plan AS
SELECT n AS id, CASE WHEN n % 10 = 0 THEN 'VOUCHER' ELSE 'POINT' END AS type,
    (CASE WHEN n IN (big.events - 1, big.events - 5, big.events / 2 + 1, big.events / 3 + 1, big.events / 5 + 1, big.events / 7 + 1)
        AND n % 10 <> 0 THEN big.targets / 10 ELSE small.least + (n * 7919) % (2 * (small.average - small.least) + 1) END)::int AS total,
    CASE WHEN n = big.events - 1 OR n > big.events - 40 AND n % 4 = 0 THEN 'RUNNING'
        WHEN n = big.events - 5 OR n BETWEEN big.events - 80 AND big.events - 41 AND n % 4 = 0 THEN 'STOPPED'
        WHEN n BETWEEN big.events - 90 AND big.events - 81 AND n % 4 = 0 THEN 'FAILED'
        WHEN n > big.events - 40 AND n % 4 = 1 THEN 'PENDING'
        ELSE 'COMPLETED' END AS status,
    now() - (big.events - n) * (interval '3 years' / big.events::int) - interval '20 minutes' AS made
FROM (SELECT current_setting('pages.targets')::bigint AS targets, current_setting('pages.events')::bigint AS events) big
    CROSS JOIN LATERAL (SELECT big.targets * 4 / 10 / big.events AS average, big.targets / 10 / big.events AS least) small
    CROSS JOIN LATERAL generate_series(1, big.events) n;
ALTER TABLE plan ADD PRIMARY KEY (id);
ALTER TABLE plan ADD COLUMN large boolean;
UPDATE plan SET large = total >= 100000;

-- step: events
INSERT INTO campaign_events (id, campaign_id, event_type, event_status, failure_code, default_reason, default_amount, total_count, total_amount,
    partition_count, reservation_at, reservation_priority, own_partition, created_by, created_at, updated_at, name)
OVERRIDING SYSTEM VALUE
SELECT id, 'campaign-' || id, type, 'PENDING', NULL, 'Thank you', 1000, total, 0, 4,
    CASE WHEN status = 'PENDING' AND id % 8 = 1 THEN date_trunc('second', now() + id % 7 * interval '1 day') END,
    CASE WHEN status = 'PENDING' AND id % 8 = 1 THEN 1 END, large, 'person-' || 1 + id % 200, made, made,
    CASE WHEN id % 3 = 0 THEN 'Campaign ' || id || ' of ' || to_char(made, 'Month YYYY') END
FROM plan;
UPDATE event_ids SET last_id = (SELECT max(id) FROM plan);
INSERT INTO imports (id, event_id, created_by, content_type, header, sha256, bytes, accepted, rejected, total_amount, created_at, defaulted, max_amount,
    hashed, digest, seal, list_sum)
OVERRIDING SYSTEM VALUE
SELECT id, id, 'person-' || 1 + id % 200, 'text/csv', 'member_id,amount,reason', sha256(convert_to('list ' || id, 'UTF8')), total * 13, total,
    CASE WHEN id % 50 = 0 THEN 1000 ELSE 0 END, 0, made, total / 2, 2500, true, sha256(convert_to('digest ' || id, 'UTF8')),
    sha256(convert_to('seal ' || id, 'UTF8')), hashint8(id)
FROM plan;
INSERT INTO rejected_rows (import_id, line, error_code, reason, raw)
SELECT id, line, (ARRAY['duplicate', 'bad_amount', 'bad_member'])[1 + line % 3], 'the row cannot be used', 'M' || line || ',x,'
FROM plan CROSS JOIN generate_series(2, 1001) line WHERE id % 50 = 0;

-- step: targets of small events
CREATE TEMPORARY TABLE target (event_id bigint, id bigint, part int, chunk int, chunks int, amount bigint, member text COLLATE "C");
INSERT INTO target
SELECT event_id, row_number() OVER (ORDER BY event_id, part, member), part, (row_number() OVER of_part - 1) / 1000,
    (count(*) OVER (PARTITION BY event_id, part) + 999) / 1000, amount, member
FROM (SELECT p.id AS event_id, (hashint8(p.id * 1000003 + k) & 3) AS part, CASE WHEN k % 3 = 0 THEN 100 * (1 + k % 25) ELSE 1000 END AS amount,
        'M' || lpad(((p.id * 7919 + k * 31) % (current_setting('pages.targets')::bigint / 5))::text, 8, '0') COLLATE "C" AS member
    FROM plan p CROSS JOIN LATERAL generate_series(1, p.total) k WHERE NOT p.large) t
WINDOW of_part AS (PARTITION BY event_id, part ORDER BY member);

-- step: targets of large events
INSERT INTO target
SELECT p.id, p.id * 10000000000 + row_number() OVER (PARTITION BY p.id ORDER BY k & 3, k), k & 3, (k >> 2) / 1000, ((p.total >> 2) + 999) / 1000,
    CASE WHEN k % 3 = 0 THEN 100 * (1 + k % 25) ELSE 1000 END, 'M' || lpad(k::text, 8, '0')
FROM plan p CROSS JOIN LATERAL generate_series(0, p.total - 1) k WHERE p.large;
ANALYZE target;

-- step: tables of targets
DO $fill$
DECLARE p record; part text;
BEGIN
    FOR p IN SELECT id, type FROM plan WHERE large LOOP
        part := create_targets_partition(p.type, p.id);
        EXECUTE format('INSERT INTO %I (id, event_id, amount, partition_key, member_id, publish_status)
            SELECT id, event_id, amount, part, member, ''PUBLISHED'' FROM target WHERE event_id = $1 ORDER BY id', part) USING p.id;
        PERFORM index_targets_partition(p.type, p.id);
        PERFORM attach_targets_partition(p.type, p.id);
    END LOOP;
END
$fill$;
INSERT INTO point_targets (id, event_id, amount, created_at, partition_key, member_id, publish_status)
SELECT t.id, t.event_id, t.amount, p.made, t.part, t.member, CASE WHEN p.status = 'PENDING' THEN 'PENDING' ELSE 'PUBLISHED' END
FROM target t JOIN plan p ON p.id = t.event_id WHERE p.type = 'POINT' AND NOT p.large ORDER BY t.id;
INSERT INTO voucher_targets (id, event_id, amount, created_at, partition_key, member_id, publish_status)
SELECT t.id, t.event_id, t.amount, p.made, t.part, t.member, CASE WHEN p.status = 'PENDING' THEN 'PENDING' ELSE 'PUBLISHED' END
FROM target t JOIN plan p ON p.id = t.event_id WHERE p.type = 'VOUCHER' AND NOT p.large ORDER BY t.id;

-- step: chunks
CREATE TEMPORARY TABLE chunk AS
SELECT t.event_id, t.part, t.chunk, min(t.id) AS first_id, max(t.id) AS last_id, count(*)::int AS n, sum(t.amount)::bigint AS amount, p.made,
    CASE p.status WHEN 'COMPLETED' THEN true WHEN 'PENDING' THEN false
        ELSE CASE WHEN t.chunks > 1 THEN t.chunk * 2 < t.chunks ELSE t.part < 2 END END AS settled,
    p.status = 'RUNNING' AND t.chunks > 1 AND (t.chunk - 3) * 2 < t.chunks AS in_kafka,
    count(*) FILTER (WHERE t.id % 500 = 0)::int AS given_up, count(*) FILTER (WHERE p.status = 'RUNNING' AND t.id % 1000 = 1)::int AS waiting
FROM target t JOIN plan p ON p.id = t.event_id GROUP BY t.event_id, t.part, t.chunk, t.chunks, p.status, p.made;
INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, settled_count, import_id, published_at, claimed_at, settled_at,
    topic, kafka_partition, kafka_offset, created_at, content_hash)
SELECT event_id, part, first_id, last_id, n, CASE WHEN settled THEN n - waiting ELSE 0 END, event_id,
    CASE WHEN settled THEN made + interval '1 minute' + chunk * interval '2 seconds' WHEN in_kafka THEN now() - interval '2 seconds' END,
    CASE WHEN settled THEN made + interval '61 seconds' + chunk * interval '2 seconds' END,
    CASE WHEN settled THEN made + interval '62 seconds' + chunk * interval '2 seconds' END,
    CASE WHEN settled THEN 'pages.point' END, CASE WHEN settled THEN part END, CASE WHEN settled THEN event_id * 1000 + chunk END, made, sha256(convert_to(event_id || '.' || first_id, 'UTF8'))
FROM chunk ORDER BY event_id, part, first_id;

-- step: results
INSERT INTO point_results (event_id, amount, created_at, updated_at, retry_count, member_id, status, money_tx_id, error_code, error_message)
SELECT t.event_id, t.amount, c.made, c.made, (t.id % 100 = 0)::int, t.member, o.status, CASE WHEN o.status = 'SUCCESS' THEN 'P' || t.id END,
    CASE WHEN o.status <> 'SUCCESS' THEN (ARRAY['account_locked', 'member_withdrawn', 'cap_exceeded'])[1 + t.id % 3] END,
    CASE WHEN o.status <> 'SUCCESS' THEN 'the ledger refuses the member' END
FROM target t JOIN chunk c USING (event_id, part, chunk) JOIN plan p ON p.id = t.event_id
    CROSS JOIN LATERAL (SELECT CASE WHEN t.id % 500 = 0 THEN 'PERMANENTLY_FAILED'
        WHEN p.status = 'RUNNING' AND t.id % 1000 = 1 THEN 'FAILED' ELSE 'SUCCESS' END AS status) o
WHERE c.settled AND p.type = 'POINT';
INSERT INTO voucher_results (event_id, amount, created_at, updated_at, member_id, status, money_tx_id, error_code, voucher_code, voucher_pin)
SELECT t.event_id, t.amount, c.made, c.made, t.member, o.status, CASE WHEN o.status = 'SUCCESS' THEN 'V' || t.id END,
    CASE WHEN o.status <> 'SUCCESS' THEN 'account_locked' END, CASE WHEN o.status = 'SUCCESS' THEN upper(left(md5(t.id::text), 16)) END,
    CASE WHEN o.status = 'SUCCESS' THEN encode(sha256(convert_to('pin ' || t.id, 'UTF8')), 'base64') END
FROM target t JOIN chunk c USING (event_id, part, chunk) JOIN plan p ON p.id = t.event_id
    CROSS JOIN LATERAL (SELECT CASE WHEN t.id % 500 = 0 THEN 'PERMANENTLY_FAILED'
        WHEN p.status = 'RUNNING' AND t.id % 1000 = 1 THEN 'FAILED' ELSE 'SUCCESS' END AS status) o
WHERE c.settled AND p.type = 'VOUCHER';

-- step: the ledger of points
CREATE TEMPORARY TABLE granted AS
SELECT row_number() OVER (ORDER BY c.made, t.id) AS id, t.event_id, t.member, t.amount, c.made
FROM target t JOIN chunk c USING (event_id, part, chunk) JOIN plan p ON p.id = t.event_id
WHERE c.settled AND p.type = 'POINT' AND t.id % 500 <> 0 AND NOT (p.status = 'RUNNING' AND t.id % 1000 = 1);
INSERT INTO money.point_member (point_member_id, point, created_at, member_id, point_status_code, point_type_code, issue_date, expiry_date,
    ref_unique_id, reason, idempotency_key)
SELECT id, amount, made, member, 'S', 'CM', to_char(made, 'YYYYMMDD'), '99991231', event_id, 'Thank you', 'grant:' || event_id || ':' || member
FROM granted ORDER BY id;
INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, point, created_at, remaining, member_id, point_status_code)
SELECT id, id, id, amount, made, amount, member, 'S' FROM granted ORDER BY id;
SELECT setval('money.point_member_id_seq', (SELECT max(id) FROM granted));
DROP TABLE granted;

-- step: how the events ended
UPDATE campaign_events e
SET total_count = c.n, total_amount = c.amount, event_status = p.status, updated_at = p.made + interval '10 minutes',
    failure_code = CASE WHEN p.status = 'FAILED' THEN 'publish_failed' END
FROM plan p JOIN (SELECT event_id, sum(n) AS n, sum(amount) AS amount FROM chunk GROUP BY event_id) c ON c.event_id = p.id WHERE e.id = p.id;
INSERT INTO campaign_event_summary (event_id, published_count, success_count, fail_count, retry_success_count, started_at, completed_at, stopped_at,
    stopped_memo, created_at, updated_at)
SELECT p.id, c.published, c.settled - c.given_up, c.given_up, c.settled / 100, CASE WHEN p.status <> 'PENDING' THEN p.made + interval '1 minute' END,
    CASE WHEN p.status = 'COMPLETED' THEN p.made + interval '10 minutes' END, CASE WHEN p.status = 'STOPPED' THEN p.made + interval '9 minutes' END,
    CASE WHEN p.status = 'STOPPED' THEN 'a wrong list' END, p.made, p.made + interval '10 minutes'
FROM plan p JOIN (SELECT event_id, coalesce(sum(n) FILTER (WHERE settled OR in_kafka), 0) AS published,
        coalesce(sum(n - waiting) FILTER (WHERE settled), 0) AS settled, coalesce(sum(given_up) FILTER (WHERE settled), 0) AS given_up
    FROM chunk GROUP BY event_id) c ON c.event_id = p.id;
UPDATE imports i SET accepted = c.n, total_amount = c.amount, max_amount = 2500, member_sample = s.least
FROM (SELECT event_id, sum(n) AS n, sum(amount) AS amount FROM chunk GROUP BY event_id) c
    JOIN (SELECT event_id, array_agg(h ORDER BY h) AS least
        FROM (SELECT event_id, h, row_number() OVER (PARTITION BY event_id ORDER BY h) AS place
            FROM (SELECT event_id, hashtextextended(member, 0) & 9007199254740991 AS h FROM target) hashes) placed
        WHERE place <= 64 GROUP BY event_id) s USING (event_id)
WHERE i.id = c.event_id;

-- step: facts of the lists, starts and proofs
INSERT INTO event_facts (import_id, event_id, file_name, rows, sum, min, max, distinct_amounts, hist, top, rejected, warnings)
SELECT id, event_id, 'list-' || event_id || '.csv', accepted, total_amount, 100, 2500, 25, array_fill(accepted / 64, ARRAY[64]),
    (SELECT jsonb_agg(jsonb_build_object('rows', accepted / k, 'amount', 100 * k)) FROM generate_series(1, 10) k), '[]', '[]'
FROM imports;
INSERT INTO starts (event_id, at, by, root, definition)
SELECT id, made + interval '1 minute', 'person-' || 1 + id % 200, sha256(convert_to('root ' || id, 'UTF8')),
    format('{"campaign_id":"campaign-%s","default_amount":1000,"type":"%s","v":2}', id, type)
FROM plan WHERE status <> 'PENDING';

-- step: changes
INSERT INTO audit_log (at, actor, action, event_id, object, before, after, reason, request_id)
SELECT p.made + a.place * interval '10 seconds', 'person-' || 1 + (p.id + a.place) % 200, a.action, p.id, 'event ' || p.id,
    jsonb_build_object('event_status', 'PENDING', 'total_count', 0), jsonb_build_object('event_status', 'PENDING', 'total_count', p.total,
        'campaign_id', 'campaign-' || p.id, 'updated_at', p.made), CASE WHEN a.place % 4 = 0 THEN 'asked by the team' END, 'request-' || p.id || a.place
FROM plan p CROSS JOIN unnest(ARRAY['event.create', 'event.edit', 'import.add', 'event.edit', 'event.start', 'results.export', 'targets.export',
    'event.edit', 'event.edit', 'event.edit']) WITH ORDINALITY a (action, place)
ORDER BY p.id, a.place;
INSERT INTO audit_log (at, actor, action, object, after)
SELECT created_at, ended_by, 'session.begin', 'session ' || id, '{}' FROM sessions WHERE ended_at IS NOT NULL ORDER BY id;

-- step: parked messages, uploads, jobs and processes
INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload, created_at, replayed_at)
SELECT (ARRAY['undecodable', 'foreign', 'newer_version'])[1 + n % 3], 'message ' || n || ' cannot be used', 'pages.point', n % 8, n,
    convert_to(repeat('{"v":9,"members":["M00000001"]}', 60), 'UTF8'), now() - (500 - n) * interval '1 hour', CASE WHEN n < 400 THEN now() END
FROM generate_series(1, 500) n;
INSERT INTO uploads (owner, size, received, content_type, name, metadata, expires_at)
SELECT 'person-' || n, 13000000, n * 100000, 'text/csv', 'list.csv', '', now() + interval '1 day' FROM generate_series(1, 20) n;
INSERT INTO idempotency_keys (actor, key, fingerprint, answer, created_at)
SELECT 'person-' || n % 200, 'key-' || n, sha256(convert_to(n::text, 'UTF8')), '{}', now() - n * interval '2 seconds' FROM generate_series(1, 20000) n;
INSERT INTO river.river_job (state, kind, queue, args, priority, max_attempts, attempt, created_at, scheduled_at, finalized_at, attempted_at)
SELECT 'completed', 'relay', 'relay', '{"try": 0, "mode": "first", "event_id": 1}', 1, 25, 1, t.at, t.at, t.at, t.at
FROM generate_series(1, 50000) n CROSS JOIN LATERAL (SELECT now() - n * interval '1 second' AS at) t;
INSERT INTO river.river_queue (name, created_at, updated_at) VALUES ('relay', now(), now()), ('jobs', now(), now()) ON CONFLICT DO NOTHING;
INSERT INTO processes (id, roles, version, host, pid, reports)
SELECT gen_random_uuid(), ARRAY['relay', 'handler', 'jobs'], '(devel)', 'worker-' || n, n, '[]' FROM generate_series(1, 4) n;
