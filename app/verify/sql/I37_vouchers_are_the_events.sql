-- I37, always, the part that needs no key: a voucher says what its event and its target said, and its result says what the
-- ledger says.
WITH granted AS NOT MATERIALIZED (
    SELECT * FROM {{results}} r WHERE r.status = 'SUCCESS' AND ($1::bigint IS NULL OR r.event_id = $1)
), issued AS NOT MATERIALIZED (
    SELECT v.*, e.id AS event_id, e.expiry_at AS event_expiry, e.default_reason, s.started_at, s.completed_at
    FROM money.vouchers v
    LEFT JOIN public.campaign_events e ON e.id::text = v.ref
    LEFT JOIN public.campaign_event_summary s ON s.event_id = e.id
    WHERE $1::bigint IS NULL OR v.ref = $1::bigint::text OR v.idempotency_key >= 'grant:' || $1 || ':' AND v.idempotency_key < 'grant:' || $1 || ';'
), judged AS (
    SELECT 'V' || v.voucher_id AS id, CASE
        WHEN v.type_code = '' THEN 'has no cause'
        WHEN v.idempotency_key LIKE 'grant:%' AND v.type_code <> 'CM'
             OR v.type_code = 'CM' AND v.event_id IS NOT NULL AND v.idempotency_key NOT LIKE 'grant:%' AND v.idempotency_key NOT LIKE '%:grant:%'
        THEN format('has the cause %s under key %s', v.type_code, v.idempotency_key)
        WHEN v.idempotency_key NOT LIKE 'grant:%' THEN NULL
        WHEN v.event_id IS NULL THEN format('was granted for %s, which is no event', v.ref)
        WHEN v.expiry_at IS DISTINCT FROM v.event_expiry
        THEN format('expires %s, its event says %s', coalesce(v.expiry_at::text, 'never'), coalesce(v.event_expiry::text, 'never'))
        WHEN r.event_id IS NOT NULL AND r.voucher_expiry_at IS DISTINCT FROM v.expiry_at
        THEN format('expires %s, its result says %s', coalesce(v.expiry_at::text, 'never'), coalesce(r.voucher_expiry_at::text, 'never'))
        WHEN v.created_at < v.started_at - interval '5 minutes' THEN format('was granted at %s, before its event was started', v.created_at)
        WHEN v.created_at > now() + interval '5 minutes' THEN format('is of %s, which is not yet', v.created_at)
        WHEN v.created_at > v.completed_at + interval '5 minutes' AND coalesce(r.redrive, 0) = 0
        THEN format('was granted at %s, after its event was completed', v.created_at)
        WHEN t.event_id IS NOT NULL AND v.reason IS DISTINCT FROM coalesce(t.reason, v.default_reason)
        THEN format('has the reason %s, the event says %s', coalesce(quote_literal(v.reason), 'none'), coalesce(quote_literal(coalesce(t.reason, v.default_reason)), 'none'))
        END AS wrong
    FROM issued v
    LEFT JOIN granted r ON r.event_id = v.event_id AND r.member_id = v.member_id
    LEFT JOIN {{targets}} t ON t.event_id = v.event_id AND t.member_id = v.member_id
)
SELECT count(*)     AS vouchers,
       count(wrong) AS differences,
       (array_agg(format('%s %s', id, wrong) ORDER BY id) FILTER (WHERE wrong IS NOT NULL))[1:5] AS examples
FROM judged
