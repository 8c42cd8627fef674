-- I42, always: no event is gone without a record of its deletion. A creation that is rolled back gives its id back, so every
-- gap up to the last id is an event that was erased. The last id is not behind any event. The sequences are compared beside
-- this.
WITH highest AS (
    SELECT greatest((SELECT max(id) FROM public.campaign_events), (SELECT max(event_id) FROM public.deleted_events)) AS id
), gaps AS (
    SELECT n AS id FROM public.event_ids i CROSS JOIN highest h CROSS JOIN generate_series(1, greatest(i.last_id, h.id)) n
    WHERE $1::bigint IS NULL
      AND NOT EXISTS (SELECT FROM public.campaign_events e WHERE e.id = n)
      AND NOT EXISTS (SELECT FROM public.deleted_events d WHERE d.event_id = n)
), revived AS (
    SELECT d.event_id AS id FROM public.deleted_events d JOIN public.campaign_events e ON e.id = d.event_id WHERE $1::bigint IS NULL OR e.id = $1
), wrong AS (
    SELECT 1 AS kind, id, format('event %s is gone, and no deletion was recorded', id) AS what FROM gaps
    UNION ALL
    SELECT 2, id, format('event %s was deleted, and is there', id) FROM revived
    UNION ALL
    SELECT 3, 0, format('event_ids has %s rows', count(*)) FROM public.event_ids HAVING count(*) <> 1
    UNION ALL
    SELECT 4, h.id, format('event %s is there, and the last id that was given is %s', h.id, i.last_id)
    FROM public.event_ids i CROSS JOIN highest h WHERE i.last_id < h.id AND $1::bigint IS NULL
)
SELECT (SELECT coalesce(max(last_id), 0) FROM public.event_ids)                    AS last_id,
       (SELECT count(*) FROM public.deleted_events WHERE $1::bigint IS NULL)       AS deleted,
       count(*)                                                             AS differences,
       (array_agg(what ORDER BY kind, id, what))[1:5]                       AS examples
FROM wrong
