-- I13, always: what a member's history sums to is what the member's lots have left.
--
-- A movement and a detail that are each other's image cancel out, and need not be summed by member: they all go to the
-- one group of NULL. Both CTEs have two arms, of which one is always empty: an IN under OR would be no join.
WITH movements AS NOT MATERIALIZED (
    SELECT m.member_id, m.point_member_id, m.point FROM money.point_member m WHERE $1::bigint IS NULL
    UNION ALL
    SELECT m.member_id, m.point_member_id, m.point FROM money.point_member m
    WHERE $1::bigint IS NOT NULL AND m.member_id IN (
              SELECT s.member_id FROM money.point_member s WHERE s.point_type_code = 'CM' AND s.ref_unique_id = $1::bigint::text)
), details AS NOT MATERIALIZED (
    SELECT d.member_id, d.point_member_id, d.save_point_member_id, d.point FROM money.point_member_detail d WHERE $1::bigint IS NULL
    UNION ALL
    SELECT d.member_id, d.point_member_id, d.save_point_member_id, d.point FROM money.point_member_detail d
    WHERE $1::bigint IS NOT NULL AND d.member_id IN (
              SELECT s.member_id FROM money.point_member s WHERE s.point_type_code = 'CM' AND s.ref_unique_id = $1::bigint::text)
), summed AS (
    SELECT CASE WHEN m.member_id IS NULL OR d.member_id IS NULL THEN coalesce(m.member_id, d.member_id) END AS member_id,
           count(m.member_id) AS movements, coalesce(sum(m.point), 0) AS history, coalesce(sum(d.point), 0) AS lots
    FROM movements m
    FULL JOIN details d ON d.member_id = m.member_id AND d.point_member_id = m.point_member_id
                       AND d.save_point_member_id = m.point_member_id AND d.point = m.point
    GROUP BY 1
)
SELECT coalesce(sum(movements), 0)                AS movements,
       coalesce(sum(history), 0)                  AS history_sum,
       coalesce(sum(lots), 0)                     AS lots_sum,
       count(*) FILTER (WHERE history <> lots)    AS differences,
       (array_agg(format('member %s: the history says %s more than the lots have left', member_id, history - lots) ORDER BY member_id)
            FILTER (WHERE history <> lots))[1:5]  AS examples
FROM summed
