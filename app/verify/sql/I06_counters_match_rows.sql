-- I6, always: the summary's four counters are a recount of the rows. Each transaction changes both.
WITH published AS (
    SELECT event_id, count(*) AS n FROM {{targets}}
    WHERE publish_status = 'PUBLISHED' AND ($1::bigint IS NULL OR event_id = $1) GROUP BY event_id
), settled AS (
    SELECT event_id, count(*) FILTER (WHERE status = 'SUCCESS') AS success,
           count(*) FILTER (WHERE status = 'PERMANENTLY_FAILED') AS fail,
           count(*) FILTER (WHERE status = 'SUCCESS' AND retry_count > 0) AS retry_success
    FROM {{results}} WHERE $1::bigint IS NULL OR event_id = $1 GROUP BY event_id
), compared AS (
    SELECT e.id AS event_id, k.counter, k.says, coalesce(k.rows, 0) AS rows
    FROM public.campaign_events e
    LEFT JOIN public.campaign_event_summary s ON s.event_id = e.id
    LEFT JOIN published p ON p.event_id = e.id
    LEFT JOIN settled r ON r.event_id = e.id
    CROSS JOIN LATERAL (VALUES ('published_count', s.published_count, p.n), ('success_count', s.success_count, r.success),
                               ('fail_count', s.fail_count, r.fail),
                               ('retry_success_count', s.retry_success_count, r.retry_success)) k (counter, says, rows)
    WHERE e.event_type = $2 AND ($1::bigint IS NULL OR e.id = $1)
)
SELECT coalesce(sum(says) FILTER (WHERE counter = 'published_count'), 0)     AS published,
       coalesce(sum(rows) FILTER (WHERE counter = 'published_count'), 0)     AS published_rows,
       coalesce(sum(says) FILTER (WHERE counter = 'success_count'), 0)       AS success,
       coalesce(sum(rows) FILTER (WHERE counter = 'success_count'), 0)       AS success_rows,
       coalesce(sum(says) FILTER (WHERE counter = 'fail_count'), 0)          AS fail,
       coalesce(sum(rows) FILTER (WHERE counter = 'fail_count'), 0)          AS fail_rows,
       coalesce(sum(says) FILTER (WHERE counter = 'retry_success_count'), 0) AS retry_success,
       coalesce(sum(rows) FILTER (WHERE counter = 'retry_success_count'), 0) AS retry_success_rows,
       count(*) FILTER (WHERE says IS DISTINCT FROM rows)                    AS differences,
       (array_agg(format('event %s: %s is %s, the rows say %s', event_id, counter, coalesce(says::text, 'missing'), rows)
                  ORDER BY event_id, counter) FILTER (WHERE says IS DISTINCT FROM rows))[1:5] AS examples
FROM compared
