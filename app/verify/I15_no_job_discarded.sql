-- I15, always: no job is discarded. Every job in this schema is ours, and each retries without end.
SELECT count(*)                                      AS jobs,
       count(*) FILTER (WHERE state = 'discarded')   AS differences,
       (array_agg(format('job %s of kind %s, event %s', id, kind, coalesce(args->>'event_id', 'none')) ORDER BY id)
            FILTER (WHERE state = 'discarded'))[1:5] AS examples
FROM river.river_job
WHERE $1::bigint IS NULL OR args @> jsonb_build_object('event_id', $1::bigint)
