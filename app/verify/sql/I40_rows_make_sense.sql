-- I40, always: what a row of results or of chunks says in one column fits to what it says in the others, and no row was made
-- at a moment to come. A claim is open for 15 s; two hours are allowed, because a lease may become longer.
WITH targets AS (
    SELECT t.event_id, t.member_id, t.created_at FROM {{targets}} t
    WHERE t.created_at > now() + interval '5 minutes' AND ($1::bigint IS NULL OR t.event_id = $1)
), results AS (
    SELECT r.event_id, r.member_id, CASE
        WHEN r.status = 'SUCCESS' AND (r.error_code IS NOT NULL OR r.error_message IS NOT NULL) THEN 'SUCCESS with an error'
        WHEN r.status <> 'SUCCESS' AND r.money_tx_id IS NOT NULL THEN format('%s with transaction %s', r.status, r.money_tx_id)
        WHEN r.status IN ('FAILED', 'PERMANENTLY_FAILED') AND r.error_code IS NULL THEN format('%s without an error code', r.status)
        WHEN r.status IN ('FAILED', 'PERMANENTLY_FAILED') AND r.retry_count = 0 AND r.error_code <> 'mismatch' AND r.redrive = 0
        THEN format('%s, and never refused', r.status)
        WHEN r.redrive > 0 AND r.status NOT IN ('SUCCESS', 'PERMANENTLY_FAILED') THEN format('%s, and asked for again by a person', r.status)
        WHEN r.created_at > now() + interval '5 minutes' THEN format('the result has a moment that is not yet: %s', r.created_at)
        END AS wrong
    FROM {{results}} r
    WHERE $1::bigint IS NULL OR r.event_id = $1
), chunks AS (
    SELECT c.event_id, c.partition_key, c.first_id, c.last_id, CASE
        WHEN (c.claim_token IS NULL) <> (c.open_until IS NULL) THEN 'has one of claim_token and open_until'
        WHEN c.settled_count > 0 AND c.claimed_at IS NULL THEN 'was settled, and never claimed'
        WHEN c.claim_token IS NOT NULL AND c.claimed_at IS NULL THEN 'has a claim, and was never claimed'
        WHEN (c.settled_at IS NOT NULL) <> (c.settled_count = c.target_count) THEN format('settled_at is %s, settled are %s of %s',
             coalesce(c.settled_at::text, 'not set'), c.settled_count, c.target_count)
        WHEN num_nulls(c.topic, c.kafka_partition, c.kafka_offset) NOT IN (0, 3) THEN 'has some of topic, partition and offset'
        WHEN c.topic IS NOT NULL AND c.claimed_at IS NULL THEN 'has a position in Kafka, and was never claimed'
        WHEN c.topic IS NOT NULL AND right(c.topic, length(y.topic)) <> y.topic AND right(c.topic, length(y.topic) + 4) <> y.topic || '.dlt'
        THEN format('was published to %s, the type''s topic is %s', c.topic, y.topic)
        WHEN c.kafka_partition < 0 OR c.kafka_offset < 0 THEN format('has the position %s/%s in Kafka', c.kafka_partition, c.kafka_offset)
        WHEN c.open_until > now() + interval '2 hours' THEN format('has a claim that is open until %s', c.open_until)
        WHEN greatest(c.created_at, c.published_at, c.claimed_at, c.settled_at) > now() + interval '5 minutes'
        THEN format('has a moment that is not yet: %s', greatest(c.created_at, c.published_at, c.claimed_at, c.settled_at))
        WHEN e.event_status = 'COMPLETED' AND c.settled_at > s.completed_at + interval '5 minutes' THEN 'was settled after its event was completed'
        WHEN c.settled_at < c.claimed_at - interval '5 minutes' THEN 'was settled before it was claimed'
        WHEN least(c.published_at, c.claimed_at) < c.created_at - interval '5 minutes' THEN 'was published or claimed before it was made'
        END AS wrong
    FROM public.grant_chunks c
    JOIN public.campaign_events e ON e.id = c.event_id AND e.event_type = $2
    JOIN public.event_types y ON y.code = e.event_type
    LEFT JOIN public.campaign_event_summary s ON s.event_id = e.id
    WHERE $1::bigint IS NULL OR c.event_id = $1
), contradicted AS (
    SELECT e.id FROM public.campaign_events e
    WHERE e.failure_code = 'mismatch' AND e.event_type = $2 AND ($1::bigint IS NULL OR e.id = $1)
      AND NOT EXISTS (SELECT FROM {{results}} r WHERE r.event_id = e.id AND r.error_code = 'mismatch')
), judged AS (
    SELECT 0 AS kind, format('event %s is FAILED with mismatch, and the ledger contradicted itself about no member', id) AS what FROM contradicted
    UNION ALL
    SELECT 1, format('event %s, member %s: the target has a moment that is not yet: %s', event_id, member_id, created_at) FROM targets
    UNION ALL
    SELECT 1, format('event %s, member %s: %s', event_id, member_id, wrong) FROM results WHERE wrong IS NOT NULL
    UNION ALL
    SELECT 2, format('chunk %s/%s/%s-%s %s', event_id, partition_key, first_id, last_id, wrong) FROM chunks WHERE wrong IS NOT NULL
)
SELECT (SELECT count(*) FROM results) AS results,
       (SELECT count(*) FROM chunks)  AS chunks,
       count(*)                       AS differences,
       (array_agg(what ORDER BY kind, what))[1:5] AS examples
FROM judged
