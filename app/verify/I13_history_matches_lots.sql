-- I13, always: what a member's history sums to is what the member's lots have left.
--
-- A movement and a detail that are each other's image cancel out first, which leaves few rows to be summed by member.
WITH concerned AS (
    SELECT DISTINCT member_id FROM money.point_member WHERE point_type_code = 'CM' AND ref_unique_id = $1::bigint::text
), movements AS NOT MATERIALIZED (
    SELECT * FROM money.point_member WHERE $1::bigint IS NULL OR member_id IN (SELECT member_id FROM concerned)
), details AS NOT MATERIALIZED (
    SELECT * FROM money.point_member_detail WHERE $1::bigint IS NULL OR member_id IN (SELECT member_id FROM concerned)
), rest AS (
    SELECT coalesce(m.member_id, d.member_id) AS member_id, m.point AS history, d.point AS lots
    FROM movements m
    FULL JOIN details d ON d.member_id = m.member_id AND d.point_member_id = m.point_member_id
                       AND d.save_point_member_id = m.point_member_id AND d.point = m.point
    WHERE m.member_id IS NULL OR d.member_id IS NULL
), wrong AS (
    SELECT member_id, coalesce(sum(history), 0) - coalesce(sum(lots), 0) AS more
    FROM rest GROUP BY member_id HAVING coalesce(sum(history), 0) <> coalesce(sum(lots), 0)
)
SELECT (SELECT count(*) FROM movements)                 AS movements,
       (SELECT coalesce(sum(point), 0) FROM movements)  AS history_sum,
       (SELECT coalesce(sum(point), 0) FROM details)    AS lots_sum,
       count(*)                                         AS differences,
       (array_agg(format('member %s: the history says %s more than the lots have left', member_id, more) ORDER BY member_id))[1:5] AS examples
FROM wrong
