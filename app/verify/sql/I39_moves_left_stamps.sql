-- I39, always: an event's status and its stamps tell the same story. A move writes the status and its moment in one
-- transaction, so that both tables hold the same time of it. Moments of two
-- transactions may come from the clocks of two servers: five minutes are allowed. What makes an event FAILED says why, in words
-- that TestFailuresSayWhy knows.
--
-- The audit has each stop and each resume by a person, in the transaction of the move. Only a person resumes. What it says is
-- compared where it has the event's creation: an older version kept no audit.
WITH acts AS (
    SELECT event_id, bool_or(action = 'event.create') AS audited, max(at) FILTER (WHERE action = 'event.stop') AS stop,
           max(at) FILTER (WHERE action = 'event.resume') AS resume, array_agg(at) FILTER (WHERE action = 'event.resume') AS resumes
    FROM public.audit_log
    WHERE action IN ('event.create', 'event.stop', 'event.resume') AND event_id IS NOT NULL AND ($1::bigint IS NULL OR event_id = $1)
    GROUP BY event_id
), stood AS (
    SELECT e.*, a.audited, a.stop, a.resume,
           (SELECT count(*) FROM unnest(a.resumes) at
            WHERE at BETWEEN a.stop - interval '5 minutes' AND s.stopped_at + interval '5 minutes') AS resumed_between, f.memo, s.started_at, s.completed_at, s.stopped_at, s.stopped_memo, s.published_count, s.success_count, s.fail_count,
           (SELECT min(claimed_at) FROM public.grant_chunks c WHERE c.event_id = e.id) AS claimed_at
    FROM public.campaign_events e
    JOIN public.campaign_event_summary s ON s.event_id = e.id
    LEFT JOIN acts a ON a.event_id = e.id
    LEFT JOIN (VALUES ('mismatch', 'the ledger contradicts itself'), ('missing_keys', 'the key'),
                      ('content_changed', 'what would be granted is not what was imported')) f (code, memo) ON f.code = e.failure_code
    WHERE $1::bigint IS NULL OR e.id = $1
), judged AS (
    SELECT id, CASE
        WHEN event_status = 'PENDING' AND coalesce(started_at, stopped_at, completed_at, claimed_at) IS NOT NULL THEN 'is PENDING, but it was started'
        WHEN event_status = 'PENDING' AND published_count + success_count + fail_count > 0 THEN 'is PENDING, but something of it was published'
        WHEN event_status <> 'PENDING' AND started_at IS NULL THEN format('is %s, but it was never started', event_status)
        WHEN event_status <> 'PENDING' AND total_count = 0 THEN format('is %s, and has no targets', event_status)
        WHEN event_status IN ('STOPPED', 'FAILED') AND (stopped_at IS NULL OR stopped_memo IS NULL) THEN format('is %s, but nothing says when and why', event_status)
        WHEN (event_status = 'FAILED') <> (failure_code IS NOT NULL) THEN format('is %s, and its failure_code is %s', event_status, coalesce(failure_code, 'not set'))
        WHEN event_status = 'FAILED' AND memo IS NULL THEN format('is FAILED with %s, which the service gives no event', failure_code)
        WHEN event_status = 'FAILED' AND NOT starts_with(stopped_memo, memo) THEN format('is FAILED with %s, but its memo is not the service''s: %s', failure_code, stopped_memo)
        WHEN (stopped_at IS NULL) <> (stopped_memo IS NULL) THEN 'has one of stopped_at and stopped_memo'
        WHEN started_at < created_at - interval '5 minutes' THEN 'was started before it was made'
        WHEN stopped_at < started_at - interval '5 minutes' THEN 'was stopped before it was started'
        WHEN completed_at < started_at - interval '5 minutes' THEN 'was completed before it was started'
        WHEN claimed_at < started_at - interval '5 minutes' THEN 'was granted before it was started'
        WHEN greatest(created_at, updated_at, started_at, stopped_at, completed_at) > now() + interval '5 minutes'
        THEN format('has a moment that is not yet: %s', greatest(created_at, updated_at, started_at, stopped_at, completed_at))
        WHEN event_status IN ('STOPPED', 'FAILED') AND stopped_at <> updated_at THEN format('is %s since %s, but its stopped_at is %s', event_status, updated_at, stopped_at)
        WHEN event_status = 'COMPLETED' AND completed_at <> updated_at THEN format('is COMPLETED since %s, but its completed_at is %s', updated_at, completed_at)
        WHEN event_status = 'COMPLETED' AND stopped_at > completed_at THEN 'was stopped after it was completed'
        WHEN audited AND stop IS NOT NULL AND stopped_at IS NULL THEN format('was stopped at %s, as the audit says, and has no stopped_at', stop)
        WHEN audited AND stopped_at < stop - interval '5 minutes' THEN format('was stopped at %s, and the audit has a stop of %s', stopped_at, stop)
        WHEN audited AND stopped_at > stop + interval '5 minutes' AND resumed_between = 0
        THEN format('was stopped at %s, and the audit has its stop at %s and no resume between', stopped_at, stop)
        WHEN audited AND event_status IN ('RUNNING', 'COMPLETED') AND stopped_at IS NOT NULL AND (resume IS NULL OR resume < stopped_at - interval '5 minutes')
        THEN format('is %s, and was stopped at %s, and the audit has no resume since', event_status, stopped_at)
        END AS wrong
    FROM stood
)
SELECT count(*)     AS events,
       count(wrong) AS differences,
       (array_agg(format('event %s %s', id, wrong) ORDER BY id) FILTER (WHERE wrong IS NOT NULL))[1:5] AS examples
FROM judged
