-- I16, always: what a lot says it has left is what was saved and all draws from it.
WITH lots AS NOT MATERIALIZED ( -- two arms, of which one is always empty: an IN under OR would be no join
    SELECT l.member_id, l.save_point_member_id AS lot, l.point, l.remaining FROM money.point_lot l WHERE $1::bigint IS NULL
    UNION ALL
    SELECT l.member_id, l.save_point_member_id, l.point, l.remaining
    FROM money.point_member m
    JOIN money.point_lot l ON l.member_id = m.member_id AND l.save_point_member_id = m.point_member_id
    WHERE $1::bigint IS NOT NULL AND m.point_status_code = 'S' AND m.point_type_code = 'CM' AND m.ref_unique_id = $1::bigint::text
), draws AS NOT MATERIALIZED (
    SELECT d.member_id, d.save_point_member_id AS lot, d.point FROM money.point_draw d WHERE $1::bigint IS NULL
    UNION ALL
    SELECT d.member_id, d.save_point_member_id, d.point
    FROM money.point_member m
    JOIN money.point_draw d ON d.member_id = m.member_id AND d.save_point_member_id = m.point_member_id
    WHERE $1::bigint IS NOT NULL AND m.point_status_code = 'S' AND m.point_type_code = 'CM' AND m.ref_unique_id = $1::bigint::text
), drawn AS (
    SELECT member_id, lot, sum(point) AS point FROM draws GROUP BY member_id, lot
), judged AS (
    SELECT l.member_id, l.lot, l.remaining, l.point + coalesce(d.point, 0) AS rest
    FROM lots l
    LEFT JOIN drawn d ON d.member_id = l.member_id AND d.lot = l.lot
)
SELECT count(*)                                     AS lots,
       coalesce(sum(remaining), 0)                  AS remaining_sum,
       coalesce(sum(rest), 0)                       AS rest_sum,
       count(*) FILTER (WHERE remaining <> rest)    AS differences,
       (array_agg(format('member %s: lot P%s says that %s is left, its draws leave %s', member_id, lot, remaining, rest) ORDER BY member_id, lot)
            FILTER (WHERE remaining <> rest))[1:5]  AS examples
FROM judged
