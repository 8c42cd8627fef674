-- I36, always: a save says what its event and its target said: cause, expiry, reason. Its dates are those of its moments in
-- the ledger's time zone; of an expiry at midnight, an older version wrote the day that begins then. Of movements of other
-- causes only the dates are compared. No save comes after its event was completed, unless a person has had members tried
-- again. Rows are grouped by what a batch shares, since a date of a million rows costs a second.
WITH saves AS NOT MATERIALIZED (
    SELECT m.* FROM money.point_member m
    WHERE m.point_status_code = 'S' AND ($1::bigint IS NULL OR m.ref_unique_id = $1::bigint::text
          OR m.idempotency_key >= 'grant:' || $1 || ':' AND m.idempotency_key < 'grant:' || $1 || ';')
), batches AS (
    SELECT point_type_code, ref_unique_id, idempotency_key LIKE 'grant:%' AS granted, created_at, issue_date, expiry_at, expiry_date,
           point_master_id IS NOT NULL OR memo IS NOT NULL AS extra,
           idempotency_key NOT LIKE 'grant:%' AND idempotency_key LIKE '%:grant:%' AS elsewhere, -- by another installation
           count(*) AS n, min(point_member_id) AS id
    FROM saves GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
), judged AS (
    SELECT b.n, b.id, CASE
        WHEN b.point_type_code = '' THEN 'has no cause'
        WHEN b.granted AND b.point_type_code <> 'CM' OR NOT b.granted AND b.point_type_code = 'CM' AND e.id IS NOT NULL AND NOT b.elsewhere
        THEN format('has the cause %s and a key that is%s a campaign''s', b.point_type_code, CASE WHEN NOT b.granted THEN ' not' END)
        WHEN b.granted AND e.id IS NULL THEN format('was granted for %s, which is no event', coalesce(b.ref_unique_id, 'nothing'))
        WHEN b.granted AND b.extra THEN 'has a policy or a memo, which no campaign gives'
        WHEN b.granted AND b.expiry_at IS DISTINCT FROM e.expiry_at
        THEN format('expires %s, its event says %s', coalesce(b.expiry_at::text, 'never'), coalesce(e.expiry_at::text, 'never'))
        WHEN b.granted AND b.created_at < s.started_at - interval '5 minutes' THEN format('was granted at %s, before its event was started', b.created_at)
        WHEN b.created_at > now() + interval '5 minutes' THEN format('is of %s, which is not yet', b.created_at)
        WHEN b.granted AND b.created_at > s.completed_at + interval '5 minutes'
             AND NOT EXISTS (SELECT FROM {{results}} r WHERE r.event_id = e.id AND r.redrive > 0) -- asked of late batches only
        THEN format('was granted at %s, after its event was completed', b.created_at)
        WHEN b.expiry_date NOT IN (coalesce(to_char(b.expiry_at AT TIME ZONE {{zone}}, 'YYYYMMDD'), '99991231'),
                                   coalesce(to_char((b.expiry_at - interval '1 microsecond') AT TIME ZONE {{zone}}, 'YYYYMMDD'), '99991231'))
        THEN format('has the expiry_date %s and expires %s', b.expiry_date, coalesce(b.expiry_at::text, 'never'))
        WHEN b.issue_date <> to_char(b.created_at AT TIME ZONE {{zone}}, 'YYYYMMDD')
        THEN format('has the issue_date %s and is of %s', b.issue_date, b.created_at)
        END AS wrong
    FROM batches b
    LEFT JOIN public.campaign_events e ON e.id::text = b.ref_unique_id
    LEFT JOIN public.campaign_event_summary s ON s.event_id = e.id
), reasons AS (
    SELECT s.point_member_id AS id, s.reason, coalesce(t.reason, e.default_reason) AS said
    FROM saves s
    JOIN public.campaign_events e ON e.id::text = s.ref_unique_id
    JOIN {{targets}} t ON t.event_id = e.id AND t.member_id = s.member_id
    WHERE s.point_type_code = 'CM' AND s.idempotency_key LIKE 'grant:%' AND s.reason IS DISTINCT FROM coalesce(t.reason, e.default_reason)
), wrong AS (
    SELECT n, id, wrong AS what FROM judged WHERE wrong IS NOT NULL
    UNION ALL
    SELECT 1, id, format('has the reason %s, the event says %s', coalesce(quote_literal(reason), 'none'), coalesce(quote_literal(said), 'none')) FROM reasons
)
SELECT (SELECT coalesce(sum(n), 0) FROM batches)                          AS saves,
       (SELECT coalesce(sum(n) FILTER (WHERE granted), 0) FROM batches)   AS granted,
       coalesce(sum(n), 0)::bigint                                        AS differences,
       (array_agg(format('P%s%s %s', id, CASE WHEN n > 1 THEN format(' and %s others', n - 1) END, what) ORDER BY id))[1:5] AS examples
FROM wrong
