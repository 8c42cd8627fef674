-- I9, always: COMPLETED ⇔ completed_at is set, and then success + fail = total = published.
WITH judged AS (
    SELECT e.id, e.event_status, e.total_count, s.published_count, s.success_count, s.fail_count, s.completed_at,
           s.event_id IS NULL OR (e.event_status = 'COMPLETED') <> (s.completed_at IS NOT NULL) AS stamp_wrong,
           e.event_status = 'COMPLETED' AND (s.success_count + s.fail_count <> e.total_count OR s.published_count <> e.total_count) AS sum_wrong
    FROM public.campaign_events e
    LEFT JOIN public.campaign_event_summary s ON s.event_id = e.id
    WHERE $1::bigint IS NULL OR e.id = $1
)
SELECT count(*)                                                AS events,
       count(*) FILTER (WHERE event_status = 'COMPLETED')      AS completed,
       coalesce(sum(success_count) FILTER (WHERE event_status = 'COMPLETED'), 0)   AS success,
       coalesce(sum(fail_count) FILTER (WHERE event_status = 'COMPLETED'), 0)      AS fail,
       coalesce(sum(total_count) FILTER (WHERE event_status = 'COMPLETED'), 0)     AS total,
       coalesce(sum(published_count) FILTER (WHERE event_status = 'COMPLETED'), 0) AS published,
       count(*) FILTER (WHERE stamp_wrong OR sum_wrong)        AS differences,
       (array_agg(CASE WHEN stamp_wrong THEN format('event %s is %s, but its completed_at is %s', id, event_status, coalesce(completed_at::text, 'not set'))
                       ELSE format('event %s is COMPLETED, but of %s targets %s were published, %s granted, %s given up',
                                   id, total_count, published_count, success_count, fail_count) END
                  ORDER BY id) FILTER (WHERE stamp_wrong OR sum_wrong))[1:5] AS examples
FROM judged
