-- I11, always: chunks cover the targets exactly once; settled_count is the final rows of the chunk; a chunk is marked
-- published if its targets are; and every unsettled chunk of a RUNNING event has a live job, an open claim, or was published:
-- a message that the consumer group has not passed yet cannot be seen from here, so what was published counts as covered.
-- A live job is in the relays' queue, and due within two hours: no wait of a relay is longer than one. A pending job waits
-- for a start or a resume, which a RUNNING event has behind it.
WITH chunks AS MATERIALIZED (
    SELECT c.event_id, c.partition_key, c.first_id, c.last_id, c.target_count, c.settled_count, c.published_at, e.event_status,
           coalesce(c.claim_token IS NOT NULL AND c.open_until > now(), false) AS claimed,
           c.last_id >= lead(c.first_id) OVER (PARTITION BY c.event_id, c.partition_key ORDER BY c.first_id) AS overlaps
    FROM public.grant_chunks c
    JOIN public.campaign_events e ON e.id = c.event_id AND e.event_type = $2
    WHERE $1::bigint IS NULL OR c.event_id = $1
), bounds AS (
    SELECT event_id, partition_key, array_agg(first_id ORDER BY first_id) AS firsts FROM chunks GROUP BY event_id, partition_key
), covered AS ( -- each target goes to the last chunk that begins at or before it; to NULL if there is none
    SELECT t.event_id, t.partition_key, b.firsts[width_bucket(t.id, b.firsts)] AS first_id, max(t.id) AS last_id,
           count(*) AS targets, count(*) FILTER (WHERE t.publish_status = 'PUBLISHED') AS published,
           count(*) FILTER (WHERE r.status IN ('SUCCESS', 'PERMANENTLY_FAILED')) AS settled
    FROM {{targets}} t
    LEFT JOIN bounds b ON b.event_id = t.event_id AND b.partition_key = t.partition_key
    LEFT JOIN {{results}} r ON r.event_id = t.event_id AND r.member_id = t.member_id
    WHERE $1::bigint IS NULL OR t.event_id = $1
    GROUP BY 1, 2, 3
), jobs AS (
    SELECT (args->>'event_id')::bigint AS event_id, (args->>'partition_key')::int AS partition_key,
           (args->>'first_id')::bigint AS first_id, (args->>'last_id')::bigint AS last_id
    FROM river.river_job
    WHERE kind = 'relay' AND queue = 'relay'
      AND (state = 'running' OR state IN ('available', 'scheduled', 'retryable') AND scheduled_at < now() + interval '2 hours')
), worked AS ( -- OFFSET 0 keeps this a probe of each job's range
    SELECT DISTINCT c.event_id, c.partition_key, c.first_id
    FROM jobs j CROSS JOIN LATERAL (SELECT * FROM public.grant_chunks x
                                    WHERE x.event_id = j.event_id AND x.partition_key = j.partition_key
                                      AND x.first_id BETWEEN j.first_id AND j.last_id OFFSET 0) c
), compared AS (
    SELECT coalesce(c.event_id, t.event_id) AS event_id, coalesce(c.partition_key, t.partition_key) AS partition_key,
           c.first_id, c.last_id, c.target_count, c.settled_count, c.claimed, c.published_at, w.first_id IS NOT NULL AS job,
           c.event_status = 'RUNNING' AND c.settled_count < c.target_count AS open, coalesce(t.targets, 0) AS targets, coalesce(t.settled, 0) AS settled,
           CASE WHEN c.first_id IS NULL THEN format('%s targets are in no chunk', t.targets)
                WHEN c.overlaps THEN 'overlaps the next chunk'
                WHEN t.last_id > c.last_id THEN format('targets up to %s follow it in no chunk', t.last_id)
                WHEN c.target_count <> coalesce(t.targets, 0) THEN format('target_count is %s, there are %s targets', c.target_count, coalesce(t.targets, 0))
                WHEN c.settled_count <> coalesce(t.settled, 0) THEN format('settled_count is %s, there are %s final results', c.settled_count, t.settled)
                WHEN t.published <> CASE WHEN c.published_at IS NULL THEN 0 ELSE t.targets END
                THEN format('published_at is %s, published are %s of %s targets', coalesce(c.published_at::text, 'not set'), t.published, t.targets)
                WHEN c.event_status = 'RUNNING' AND c.settled_count < c.target_count AND c.published_at IS NULL AND NOT c.claimed AND w.first_id IS NULL
                THEN 'nothing will work it: no live job, no open claim, never published' END AS wrong
    FROM chunks c
    FULL JOIN covered t ON t.event_id = c.event_id AND t.partition_key = c.partition_key AND t.first_id = c.first_id
    LEFT JOIN worked w ON w.event_id = c.event_id AND w.partition_key = c.partition_key AND w.first_id = c.first_id
)
SELECT count(first_id)                                                  AS chunks,
       coalesce(sum(target_count), 0)                                   AS chunk_targets,
       coalesce(sum(targets), 0)                                        AS targets,
       coalesce(sum(settled_count), 0)                                  AS chunk_settled,
       coalesce(sum(settled), 0)                                        AS settled,
       count(*) FILTER (WHERE open)                                     AS open,
       count(*) FILTER (WHERE open AND job)                             AS with_job,
       count(*) FILTER (WHERE open AND claimed)                         AS with_claim,
       count(*) FILTER (WHERE open AND published_at IS NOT NULL)        AS published,
       count(wrong)                                                     AS differences,
       (array_agg(format('chunk %s/%s%s: %s', event_id, partition_key, '/' || first_id || '-' || last_id, wrong)
                  ORDER BY event_id, partition_key, first_id) FILTER (WHERE wrong IS NOT NULL))[1:5] AS examples
FROM compared
