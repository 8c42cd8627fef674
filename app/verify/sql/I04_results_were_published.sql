-- I4: a result implies publish_status PUBLISHED.
--
-- At COMPLETED always. Before, a handler may be faster than the relay's mark, or the relay was killed between Kafka's ack
-- and the mark: then the chunk was claimed and has no published_at yet. Once it has one, all of its targets are marked.
WITH unmarked AS (
    SELECT r.event_id, r.member_id, r.status, coalesce(e.event_status IN ('RUNNING', 'STOPPED', 'FAILED')
           AND c.published_at IS NULL AND c.claimed_at IS NOT NULL, false) AS allowed
    FROM {{targets}} t
    JOIN {{results}} r ON r.event_id = t.event_id AND r.member_id = t.member_id
    LEFT JOIN public.campaign_events e ON e.id = r.event_id
    LEFT JOIN LATERAL (SELECT * FROM public.grant_chunks x
                       WHERE x.event_id = t.event_id AND x.partition_key = t.partition_key AND x.first_id <= t.id
                       ORDER BY x.first_id DESC LIMIT 1) c ON true
    WHERE t.publish_status <> 'PUBLISHED' AND ($1::bigint IS NULL OR t.event_id = $1)
)
SELECT (SELECT count(*) FROM {{results}} r WHERE $1::bigint IS NULL OR r.event_id = $1) AS results,
       count(*) FILTER (WHERE allowed)     AS early,
       count(*) FILTER (WHERE NOT allowed) AS differences,
       (array_agg(format('event %s, member %s: the result is %s, the target was never published', event_id, member_id, status)
                  ORDER BY event_id, member_id) FILTER (WHERE NOT allowed))[1:5] AS examples
FROM unmarked
