-- I21, always: a save has one lot, which is its image: same id, member, point and moment, and it points at itself. And no
-- lot is without its save.
WITH saves AS NOT MATERIALIZED ( -- two arms, of which one is always empty: an IN under OR would be no join
    SELECT m.member_id, m.point_member_id, m.point, m.created_at FROM money.point_member m
    WHERE $1::bigint IS NULL AND m.point_status_code = 'S'
    UNION ALL
    SELECT m.member_id, m.point_member_id, m.point, m.created_at FROM money.point_member m
    WHERE $1::bigint IS NOT NULL AND m.point_status_code = 'S' AND m.member_id IN (
              SELECT s.member_id FROM money.point_member s WHERE s.point_type_code = 'CM' AND s.ref_unique_id = $1::bigint::text)
), lots AS NOT MATERIALIZED (
    SELECT d.member_id, d.point_member_id, d.save_point_member_id, d.point, d.created_at FROM money.point_member_detail d
    WHERE $1::bigint IS NULL AND d.point_status_code = 'S'
    UNION ALL
    SELECT d.member_id, d.point_member_id, d.save_point_member_id, d.point, d.created_at FROM money.point_member_detail d
    WHERE $1::bigint IS NOT NULL AND d.point_status_code = 'S' AND d.member_id IN (
              SELECT s.member_id FROM money.point_member s WHERE s.point_type_code = 'CM' AND s.ref_unique_id = $1::bigint::text)
), judged AS (
    SELECT coalesce(s.member_id, l.member_id) AS member_id, coalesce(s.point_member_id, l.point_member_id) AS id, s.member_id IS NOT NULL AS save,
           CASE WHEN l.member_id IS NULL THEN 'a save without its lot'
                WHEN s.member_id IS NULL THEN 'a lot without its save'
                WHEN l.save_point_member_id <> l.point_member_id THEN format('its lot points at P%s', l.save_point_member_id)
                WHEN l.point <> s.point THEN format('the save says %s, its lot %s', s.point, l.point)
                WHEN l.created_at <> s.created_at THEN format('the save is of %s, its lot of %s', s.created_at, l.created_at) END AS wrong
    FROM saves s
    FULL JOIN lots l ON l.member_id = s.member_id AND l.point_member_id = s.point_member_id
)
SELECT count(*) FILTER (WHERE save) AS saves,
       count(wrong)                 AS differences,
       (array_agg(format('member %s, P%s: %s', member_id, id, wrong) ORDER BY member_id, id) FILTER (WHERE wrong IS NOT NULL))[1:5] AS examples
FROM judged
