-- I17, always: what a movement says is the sum of its details; a cancel of 0 has none. Saves are I21's.
WITH movements AS NOT MATERIALIZED ( -- two arms, of which one is always empty: an IN under OR would be no join
    SELECT m.member_id, m.point_member_id, m.point, m.point_status_code FROM money.point_member m
    WHERE $1::bigint IS NULL AND m.point_status_code <> 'S'
    UNION ALL
    SELECT m.member_id, m.point_member_id, m.point, m.point_status_code FROM money.point_member m
    WHERE $1::bigint IS NOT NULL AND m.point_status_code <> 'S' AND m.member_id IN (
              SELECT s.member_id FROM money.point_member s WHERE s.point_type_code = 'CM' AND s.ref_unique_id = $1::bigint::text)
), details AS NOT MATERIALIZED (
    SELECT d.member_id, d.point_member_id, d.point, d.point_status_code FROM money.point_draw d WHERE $1::bigint IS NULL
    UNION ALL
    SELECT d.member_id, d.point_member_id, d.point, d.point_status_code FROM money.point_draw d
    WHERE $1::bigint IS NOT NULL AND d.member_id IN (
              SELECT s.member_id FROM money.point_member s WHERE s.point_type_code = 'CM' AND s.ref_unique_id = $1::bigint::text)
), drawn AS (
    SELECT member_id, point_member_id, min(point_status_code) AS kind, count(DISTINCT point_status_code) AS kinds, sum(point) AS point
    FROM details GROUP BY member_id, point_member_id
), judged AS (
    SELECT coalesce(m.member_id, d.member_id) AS member_id, coalesce(m.point_member_id, d.point_member_id) AS id,
           CASE WHEN m.member_id IS NULL THEN 'details of no movement that draws'
                WHEN d.kinds > 1 OR d.kind <> m.point_status_code THEN format('a movement of kind %s with details of another', m.point_status_code)
                WHEN m.point <> coalesce(d.point, 0) THEN format('the movement says %s, its details %s', m.point, coalesce(d.point, 0))
           END AS wrong
    FROM movements m
    FULL JOIN drawn d ON d.member_id = m.member_id AND d.point_member_id = m.point_member_id
)
SELECT count(*)     AS movements,
       count(wrong) AS differences,
       (array_agg(format('member %s, P%s: %s', member_id, id, wrong) ORDER BY member_id, id) FILTER (WHERE wrong IS NOT NULL))[1:5] AS examples
FROM judged
