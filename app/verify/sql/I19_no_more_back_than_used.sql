-- I19, always: to each lot a use-cancel gives back at most what its use took from that lot.
WITH given AS (
    SELECT r.member_id, r.undo_point_member_id AS use, d.save_point_member_id AS lot, sum(d.point) AS point
    FROM money.point_member r
    JOIN money.point_draw d ON d.member_id = r.member_id AND d.point_member_id = r.point_member_id
    WHERE r.point_status_code = 'R' AND ($1::bigint IS NULL OR r.member_id IN (
              SELECT s.member_id FROM money.point_member s WHERE s.point_type_code = 'CM' AND s.ref_unique_id = $1::bigint::text))
    GROUP BY r.member_id, r.undo_point_member_id, d.save_point_member_id
), judged AS (
    SELECT g.*, -u.point AS taken, u.point IS NULL OR g.point > -u.point AS wrong
    FROM given g
    LEFT JOIN money.point_draw u ON u.member_id = g.member_id AND u.point_member_id = g.use AND u.save_point_member_id = g.lot
                                AND u.point_status_code = 'U'
)
SELECT count(*)                       AS lots,
       coalesce(sum(point), 0)        AS given_sum,
       count(*) FILTER (WHERE wrong)  AS differences,
       (array_agg(format('member %s: use P%s took %s from lot P%s, %s was given back', member_id, coalesce(use::text, '?'), coalesce(taken, 0), lot, point)
                  ORDER BY member_id, use, lot) FILTER (WHERE wrong))[1:5] AS examples
FROM judged
