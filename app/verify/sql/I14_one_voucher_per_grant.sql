-- I14, always: a voucher code belongs to one grant, and a grant has one voucher: in the results, where a granted one shows
-- its code, and in the ledger. Codes of different ledgers may be alike. No code is ever shown here.
WITH granted AS NOT MATERIALIZED (
    SELECT type, ours, event_id, member_id, voucher_code FROM {{results}} r WHERE status = 'SUCCESS'
), issued AS NOT MATERIALIZED (
    SELECT * FROM money.vouchers WHERE type_code = 'CM'
), wrong AS (
    SELECT format('%s results share one code: events %s, members %s', count(*), string_agg(DISTINCT event_id::text, ', '),
                  string_agg(member_id, ', ' ORDER BY member_id)) AS example
    FROM granted WHERE voucher_code IS NOT NULL
    GROUP BY CASE WHEN NOT ours THEN type END, voucher_code HAVING count(*) > 1 AND ($1::bigint IS NULL OR bool_or(event_id = $1))
    UNION ALL
    SELECT format('event %s, member %s: granted without a code', event_id, member_id)
    FROM granted WHERE voucher_code IS NULL AND ours AND ($1::bigint IS NULL OR event_id = $1)
    UNION ALL
    SELECT format('%s vouchers share one code: %s', count(*), string_agg('V' || voucher_id, ', ' ORDER BY voucher_id))
    FROM money.vouchers
    GROUP BY code_hmac HAVING count(*) > 1 AND ($1::bigint IS NULL OR bool_or(ref = $1::bigint::text))
    UNION ALL
    SELECT format('event %s, member %s: %s vouchers for one grant: %s', ref, member_id, count(*), string_agg('V' || voucher_id, ', ' ORDER BY voucher_id))
    FROM issued WHERE $1::bigint IS NULL OR ref = $1::bigint::text
    GROUP BY ref, member_id HAVING count(*) > 1
)
SELECT (SELECT count(*) FROM granted WHERE $1::bigint IS NULL OR event_id = $1)         AS granted,
       (SELECT count(*) FROM issued WHERE $1::bigint IS NULL OR ref = $1::bigint::text) AS vouchers,
       count(*)                                                                         AS differences,
       (array_agg(example ORDER BY example))[1:5]                                       AS examples
FROM wrong
