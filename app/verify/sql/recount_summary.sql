-- What an event's four counters must be, and what they are, by the rows.
SELECT s.published_count, s.success_count, s.fail_count, s.retry_success_count, t.published, r.success, r.fail, r.retry_success
FROM public.campaign_event_summary s,
     (SELECT count(*) FILTER (WHERE publish_status = 'PUBLISHED') AS published FROM {{targets}} WHERE event_id = $1) t,
     (SELECT count(*) FILTER (WHERE status = 'SUCCESS') AS success,
             count(*) FILTER (WHERE status = 'PERMANENTLY_FAILED') AS fail,
             count(*) FILTER (WHERE status = 'SUCCESS' AND retry_count > 0) AS retry_success
      FROM {{results}} WHERE event_id = $1) r
WHERE s.event_id = $1
