-- I18, while points expire by themselves: no lot is open for more than an hour past its expiry. A ledger that an older
-- version wrote has an hour from its migration to expire what had run out before. What point_sweep says of that moment is
-- believed up to the ledger's own row, which a later migration wrote, and up to the first expiry. Neither is to come.
WITH sweep AS (
    SELECT s.one_row, s.began_at, s.swept_until, l.created_at AS made_at, least(l.created_at, CASE WHEN l.created_at > now() - interval '1 hour'
               THEN (SELECT min(created_at) FROM money.point_member WHERE point_status_code = 'E') END) AS latest
    FROM (SELECT coalesce((SELECT min(created_at) FROM money.ledger), '-infinity') AS created_at) l
    LEFT JOIN money.point_sweep s ON true
), ahead AS ( -- clocks have five minutes
    SELECT CASE WHEN made_at > now() + interval '5 minutes' THEN format('the ledger was made at %s, which is to come', made_at)
                WHEN one_row IS NULL THEN 'nothing says up to when lots were listed that have run out'
                WHEN swept_until > now() + interval '5 minutes' THEN format('lots that run out are listed up to %s, which is to come', swept_until)
                WHEN began_at > latest + interval '5 minutes' THEN format('points expire since %s, and the ledger did that before', began_at)
           END AS what
    FROM sweep
), lots AS NOT MATERIALIZED ( -- two arms, of which one is always empty: an IN under OR would be no join
    SELECT l.member_id, l.save_point_member_id AS lot, l.remaining, l.expiry_at FROM money.point_lot l
    WHERE $1::bigint IS NULL AND l.remaining > 0 AND l.expiry_at IS NOT NULL
    UNION ALL
    SELECT l.member_id, l.save_point_member_id, l.remaining, l.expiry_at
    FROM money.point_member m
    JOIN money.point_lot l ON l.member_id = m.member_id AND l.save_point_member_id = m.point_member_id
    WHERE $1::bigint IS NOT NULL AND m.point_status_code = 'S' AND m.point_type_code = 'CM' AND m.ref_unique_id = $1::bigint::text
      AND l.remaining > 0 AND l.expiry_at IS NOT NULL
), judged AS (
    SELECT *, greatest(expiry_at, (SELECT min(least(began_at, latest)) FROM sweep)) < now() - interval '1 hour' AS late FROM lots
)
SELECT count(*)                                                                         AS lots,
       coalesce(sum(remaining), 0)                                                      AS points,
       count(*) FILTER (WHERE late)
           + (SELECT count(*) FROM ahead WHERE what IS NOT NULL AND $1::bigint IS NULL) AS differences,
       (nullif((SELECT array_agg(what) FROM ahead WHERE what IS NOT NULL AND $1::bigint IS NULL)
           || array_agg(format('member %s: lot P%s expired at %s and has %s left', member_id, lot, expiry_at, remaining)
                  ORDER BY expiry_at, member_id, lot) FILTER (WHERE late), '{}'))[1:5]  AS examples
FROM judged
