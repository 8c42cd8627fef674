-- I18, while points expire by themselves: no lot is open for more than an hour past its expiry. A ledger that an older
-- version wrote has an hour from its migration to expire what had run out before.
WITH lots AS NOT MATERIALIZED ( -- two arms, of which one is always empty: an IN under OR would be no join
    SELECT l.member_id, l.save_point_member_id AS lot, l.remaining, l.expiry_at FROM money.point_lot l
    WHERE $1::bigint IS NULL AND l.remaining > 0 AND l.expiry_at IS NOT NULL
    UNION ALL
    SELECT l.member_id, l.save_point_member_id, l.remaining, l.expiry_at
    FROM money.point_member m
    JOIN money.point_lot l ON l.member_id = m.member_id AND l.save_point_member_id = m.point_member_id
    WHERE $1::bigint IS NOT NULL AND m.point_status_code = 'S' AND m.point_type_code = 'CM' AND m.ref_unique_id = $1::bigint::text
      AND l.remaining > 0 AND l.expiry_at IS NOT NULL
), judged AS (
    SELECT *, greatest(expiry_at, (SELECT began_at FROM money.point_sweep)) < now() - interval '1 hour' AS late FROM lots
)
SELECT count(*)                            AS lots,
       coalesce(sum(remaining), 0)         AS points,
       count(*) FILTER (WHERE late)        AS differences,
       (array_agg(format('member %s: lot P%s expired at %s and has %s left', member_id, lot, expiry_at, remaining) ORDER BY expiry_at, member_id, lot)
            FILTER (WHERE late))[1:5]      AS examples
FROM judged
