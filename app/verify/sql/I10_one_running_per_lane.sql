-- I10, always: at most one event of a lane, which is a reserved second, is RUNNING.
WITH lanes AS (
    SELECT reservation_at, count(*) AS n, string_agg(id::text, ', ' ORDER BY id) AS ids
    FROM public.campaign_events
    WHERE event_status = 'RUNNING' AND reservation_at IS NOT NULL
    GROUP BY reservation_at
    HAVING $1::bigint IS NULL OR bool_or(id = $1)
)
SELECT coalesce(sum(n), 0)                                     AS running,
       count(*)                                                AS lanes,
       count(*) FILTER (WHERE n > 1)                           AS differences,
       (array_agg(format('events %s, reserved for the same second, run at once', ids) ORDER BY reservation_at)
            FILTER (WHERE n > 1))[1:5]                         AS examples
FROM lanes
