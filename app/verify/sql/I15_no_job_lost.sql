-- I15, always: no job was lost. One that was discarded, or cancelled in River UI, is a difference until another one has done
-- its work.
WITH lost AS (
    SELECT * FROM (
{{lost_jobs}}
    ) l WHERE $1::bigint IS NULL OR l.event_id = $1::bigint::text
)
SELECT (SELECT count(*) FROM river.river_job WHERE $1::bigint IS NULL OR args @> jsonb_build_object('event_id', $1::bigint)) AS jobs,
       count(*) FILTER (WHERE healed AND state = 'cancelled')  AS cancelled,
       count(*) FILTER (WHERE healed AND state = 'discarded')  AS discarded,
       count(*) FILTER (WHERE healed IS NOT TRUE)              AS differences,
       (array_agg(format('job %s of kind %s, event %s, was %s', id, kind, coalesce(event_id, 'none'), state) ORDER BY id)
            FILTER (WHERE healed IS NOT TRUE))[1:5]            AS examples
FROM lost
