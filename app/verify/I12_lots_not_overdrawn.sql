-- I12, always: of each lot there is left at least nothing and at most what was saved. A lot is the row that points at
-- itself; what is left of it is the sum of all rows that point at it. A lot that nobody drew from has all of it left, so
-- only the others are looked up, each by its key.
WITH rows AS NOT MATERIALIZED ( -- two arms, of which one is always empty: an IN under OR would be no join
    SELECT d.member_id, d.save_point_member_id AS lot, d.point, d.point_member_id = d.save_point_member_id AS save
    FROM money.point_member_detail d
    WHERE $1::bigint IS NULL
    UNION ALL
    SELECT d.member_id, d.save_point_member_id, d.point, d.point_member_id = d.save_point_member_id
    FROM money.point_member m
    JOIN money.point_member_detail d ON d.member_id = m.member_id AND d.save_point_member_id = m.point_member_id
    WHERE $1::bigint IS NOT NULL AND m.point_status_code = 'S' AND m.point_type_code = 'CM' AND m.ref_unique_id = $1::bigint::text
), drawn AS (
    SELECT member_id, lot, sum(point) AS point FROM rows WHERE NOT save GROUP BY member_id, lot
), wrong AS (
    SELECT d.member_id, d.lot, l.point AS saved, coalesce(l.point, 0) + d.point AS rest
    FROM drawn d
    LEFT JOIN LATERAL (SELECT x.point FROM money.point_member_detail x
                       WHERE x.member_id = d.member_id AND x.save_point_member_id = d.lot AND x.point_member_id = d.lot LIMIT 1) l ON true
    WHERE l.point IS NULL OR l.point + d.point NOT BETWEEN 0 AND l.point
    UNION ALL
    SELECT member_id, lot, point, point FROM rows WHERE save AND point < 0
)
SELECT t.*, w.*
FROM (SELECT count(*) FILTER (WHERE save) AS lots, coalesce(sum(point) FILTER (WHERE save), 0) AS saved_sum, coalesce(sum(point), 0) AS rest_sum
      FROM rows) t,
     (SELECT count(*) AS differences,
             (array_agg(CASE WHEN saved IS NULL THEN format('member %s: movements of %s against lot P%s, which was never saved', member_id, rest, lot)
                             ELSE format('member %s: lot P%s was saved with %s, %s is left', member_id, lot, saved, rest) END
                        ORDER BY member_id, lot))[1:5] AS examples
      FROM wrong) w
