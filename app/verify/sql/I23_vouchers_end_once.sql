-- I23, always: a voucher has at most one live end. What ends it (CANCELLED, REDEEMED) comes first or after a RESTORED, a RESTORED
-- after an end; each is of a voucher that the member has, and not of a moment before it was issued or to come.
WITH events AS (
    SELECT member_id, voucher_id, voucher_event_id AS id, kind, created_at,
           lag(kind) OVER (PARTITION BY member_id, voucher_id ORDER BY voucher_event_id) AS before
    FROM money.voucher_events
    WHERE $1::bigint IS NULL OR member_id IN (
              SELECT v.member_id FROM money.vouchers v WHERE v.type_code = 'CM' AND v.ref = $1::bigint::text)
), judged AS (
    SELECT e.member_id, e.voucher_id, e.id, e.kind, e.before,
           CASE WHEN v.voucher_id IS NULL THEN format('%s, and the member has no such voucher', e.kind)
                WHEN e.kind <> 'RESTORED' AND e.before <> 'RESTORED' THEN format('%s, though it was %s before', e.kind, e.before)
                WHEN e.kind = 'RESTORED' AND coalesce(e.before, e.kind) = 'RESTORED' THEN 'RESTORED, though it had not ended'
                WHEN e.created_at < v.created_at THEN format('%s at %s, before it was issued', e.kind, e.created_at)
                WHEN e.created_at > now() + interval '5 minutes' THEN format('%s at %s, which is to come', e.kind, e.created_at) END AS wrong
    FROM events e
    LEFT JOIN money.vouchers v ON v.member_id = e.member_id AND v.voucher_id = e.voucher_id
    WHERE $1::bigint IS NULL OR v.voucher_id IS NULL OR v.type_code = 'CM' AND v.ref = $1::bigint::text
)
SELECT count(DISTINCT (member_id, voucher_id))         AS vouchers,
       count(*) FILTER (WHERE kind = 'CANCELLED')      AS cancelled,
       count(*) FILTER (WHERE kind = 'REDEEMED')       AS redeemed,
       count(*) FILTER (WHERE kind = 'RESTORED')       AS restored,
       count(wrong)                                    AS differences,
       (array_agg(format('member %s, V%s: %s', member_id, voucher_id, wrong) ORDER BY member_id, voucher_id, id)
           FILTER (WHERE wrong IS NOT NULL))[1:5]      AS examples
FROM judged
