-- I5, always: COMPLETED implies that every target is SUCCESS or PERMANENTLY_FAILED. A running event that is done is closed
-- within seconds: five minutes are allowed.
WITH completed AS (
    SELECT t.event_id, t.member_id, r.status, r.status IS NULL OR r.status NOT IN ('SUCCESS', 'PERMANENTLY_FAILED') AS wrong
    FROM public.campaign_events e
    JOIN {{targets}} t ON t.event_id = e.id
    LEFT JOIN {{results}} r ON r.event_id = t.event_id AND r.member_id = t.member_id
    WHERE e.event_status = 'COMPLETED' AND e.event_type = $2 AND ($1::bigint IS NULL OR e.id = $1)
), done AS (
    SELECT e.id, (SELECT max(greatest(c.settled_at, c.published_at)) FROM public.grant_chunks c WHERE c.event_id = e.id) AS settled_at
    FROM public.campaign_events e
    JOIN public.campaign_event_summary s ON s.event_id = e.id
    WHERE e.event_status = 'RUNNING' AND e.event_type = $2 AND ($1::bigint IS NULL OR e.id = $1)
      AND s.published_count = e.total_count AND s.success_count + s.fail_count = e.total_count AND e.updated_at < now() - interval '5 minutes'
), late AS (
    SELECT * FROM done WHERE settled_at < now() - interval '5 minutes'
)
SELECT count(DISTINCT event_id)                                 AS events,
       count(*)                                                 AS targets,
       count(*) FILTER (WHERE status = 'SUCCESS')               AS success,
       count(*) FILTER (WHERE status = 'PERMANENTLY_FAILED')    AS fail,
       count(*) FILTER (WHERE wrong) + (SELECT count(*) FROM late) AS differences,
       (array_agg(format('event %s is COMPLETED, but the result of member %s is %s', event_id, member_id, coalesce(status, 'missing'))
                  ORDER BY event_id, member_id) FILTER (WHERE wrong))[1:5]
       || (SELECT array_agg(format('event %s is RUNNING, but all of it is settled since %s: it was COMPLETED, or no process with the role jobs runs',
                                   id, settled_at) ORDER BY id) FROM late) AS examples
FROM completed
