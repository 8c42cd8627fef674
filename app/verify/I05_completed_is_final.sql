-- I5, always: COMPLETED implies that every target is SUCCESS or PERMANENTLY_FAILED.
SELECT count(DISTINCT t.event_id)                               AS events,
       count(*)                                                 AS targets,
       count(*) FILTER (WHERE r.status = 'SUCCESS')             AS success,
       count(*) FILTER (WHERE r.status = 'PERMANENTLY_FAILED')  AS fail,
       count(*) FILTER (WHERE r.status IS NULL OR r.status NOT IN ('SUCCESS', 'PERMANENTLY_FAILED')) AS differences,
       (array_agg(format('event %s is COMPLETED, but the result of member %s is %s', t.event_id, t.member_id, coalesce(r.status, 'missing'))
                  ORDER BY t.event_id, t.member_id)
            FILTER (WHERE r.status IS NULL OR r.status NOT IN ('SUCCESS', 'PERMANENTLY_FAILED')))[1:5] AS examples
FROM public.campaign_events e
JOIN {{targets}} t ON t.event_id = e.id
LEFT JOIN {{results}} r ON r.event_id = t.event_id AND r.member_id = t.member_id
WHERE e.event_status = 'COMPLETED' AND e.event_type = $2 AND ($1::bigint IS NULL OR e.id = $1)
