-- I12, always: of each lot there is left at least nothing and at most what was saved. What is left is what was saved and all
-- draws from it.
WITH lots AS NOT MATERIALIZED ( -- two arms, of which one is always empty: an IN under OR would be no join
    SELECT l.member_id, l.save_point_member_id AS lot, l.point FROM money.point_lot l WHERE $1::bigint IS NULL
    UNION ALL
    SELECT l.member_id, l.save_point_member_id, l.point
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
), wrong AS (
    SELECT d.member_id, d.lot, l.point AS saved, coalesce(l.point, 0) + d.point AS rest
    FROM drawn d
    LEFT JOIN lots l ON l.member_id = d.member_id AND l.lot = d.lot
    WHERE l.point IS NULL OR l.point + d.point NOT BETWEEN 0 AND l.point
)
SELECT t.*, w.*
FROM (SELECT count(*) AS lots, coalesce(sum(point), 0) AS saved_sum,
             coalesce(sum(point), 0) + (SELECT coalesce(sum(point), 0) FROM drawn) AS rest_sum FROM lots) t,
     (SELECT count(*) AS differences,
             (array_agg(CASE WHEN saved IS NULL THEN format('member %s: movements of %s against lot P%s, which was never saved', member_id, rest, lot)
                             ELSE format('member %s: lot P%s was saved with %s, %s is left', member_id, lot, saved, rest) END
                        ORDER BY member_id, lot))[1:5] AS examples
      FROM wrong) w
