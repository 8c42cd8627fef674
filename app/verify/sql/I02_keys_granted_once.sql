-- I2, always: no idempotency key stands twice among the points of the ledger, nor among its vouchers, and no key of a campaign
-- stands in both. The unique indexes say the first two; this reads the rows. ORDER BY lets the index sort them.
WITH points AS NOT MATERIALIZED (
    SELECT idempotency_key AS key FROM money.point_member
    WHERE $1::bigint IS NULL OR idempotency_key >= 'grant:' || $1 || ':' AND idempotency_key < 'grant:' || $1 || ';'
), vouchers AS NOT MATERIALIZED (
    SELECT idempotency_key AS key FROM money.vouchers
    WHERE $1::bigint IS NULL OR idempotency_key >= 'grant:' || $1 || ':' AND idempotency_key < 'grant:' || $1 || ';'
), twice AS (
    (SELECT key, count(*) AS n FROM points GROUP BY key HAVING count(*) > 1 ORDER BY key)
    UNION ALL
    (SELECT key, count(*) FROM vouchers GROUP BY key HAVING count(*) > 1 ORDER BY key)
    UNION ALL
    SELECT p.key, 2 FROM points p JOIN vouchers v ON v.key = p.key
    WHERE p.key LIKE 'grant:%' -- others ask for points and for a voucher under keys of their own
)
SELECT (SELECT count(*) FROM points)   AS points,
       (SELECT count(*) FROM vouchers) AS vouchers,
       count(*)                        AS differences,
       (array_agg(format('key %s stands %s times in the ledger', key, n) ORDER BY key))[1:5] AS examples
FROM twice
