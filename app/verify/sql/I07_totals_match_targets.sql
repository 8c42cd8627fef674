-- I7, always: total_count and total_amount are the count and the sum of the event's targets. Targets that lie with a type
-- that is not their event's are no event's.
WITH counted AS (
    SELECT event_id, count(*) AS n, sum(amount) AS amount FROM {{targets}}
    WHERE $1::bigint IS NULL OR event_id = $1 GROUP BY event_id
), compared AS (
    SELECT coalesce(e.id, c.event_id) AS event_id, e.id IS NULL AS stray, coalesce(e.total_count, 0) AS total_count,
           coalesce(e.total_amount, 0) AS total_amount, coalesce(c.n, 0) AS n, coalesce(c.amount, 0) AS amount
    FROM (SELECT * FROM public.campaign_events WHERE event_type = $2 AND ($1::bigint IS NULL OR id = $1)) e
    FULL JOIN counted c ON c.event_id = e.id
), judged AS (
    SELECT *, stray OR total_count <> n OR total_amount <> amount AS wrong FROM compared
)
SELECT coalesce(sum(total_count), 0)  AS total_count,
       coalesce(sum(n), 0)            AS targets,
       coalesce(sum(total_amount), 0) AS total_amount,
       coalesce(sum(amount), 0)       AS targets_sum,
       count(*) FILTER (WHERE wrong)  AS differences,
       (array_agg(CASE WHEN stray THEN format('event %s: %s targets lie with type %s, which is not the event''s', event_id, n, $2::text)
                       ELSE format('event %s: the totals are %s with %s, the targets %s with %s', event_id, total_count, total_amount, n, amount) END
                  ORDER BY event_id) FILTER (WHERE wrong))[1:5] AS examples
FROM judged
