-- I22, always: a lot expires by itself at most once, under the key that is its own, and not before its expiry. What a
-- use-cancel gave back to an expired lot and expired again is another movement, which undoes that cancel: one for each lot,
-- under a key that names both, and of no more than the cancel gave back to the lot. Such a cancel may have begun before the
-- expiry, and waited for the movement that expired the lot.
WITH expiries AS (
    SELECT e.member_id, e.point_member_id AS id, e.point, e.created_at, e.idempotency_key AS key, e.undo_point_member_id AS back,
           d.save_point_member_id AS lot
    FROM money.point_member e
    LEFT JOIN money.point_draw d ON d.member_id = e.member_id AND d.point_member_id = e.point_member_id
    WHERE e.point_status_code = 'E' AND ($1::bigint IS NULL OR e.member_id IN (
              SELECT s.member_id FROM money.point_member s WHERE s.point_type_code = 'CM' AND s.ref_unique_id = $1::bigint::text))
), judged AS (
    SELECT e.member_id, e.id, e.point,
           CASE WHEN count(*) OVER (PARTITION BY e.member_id, e.lot, e.back) > 1 THEN format('lot P%s expired more than once', e.lot)
                WHEN e.key <> 'expire:' || coalesce('P' || e.back || ':', '') || 'P' || e.lot THEN format('lot P%s expired under the key %s', e.lot, e.key)
                WHEN l.expiry_at IS NULL THEN format('lot P%s expired, which never expires', e.lot)
                WHEN e.created_at < l.expiry_at AND (e.back IS NULL OR NOT EXISTS (
                         SELECT FROM money.point_member o WHERE o.idempotency_key = 'expire:P' || e.lot))
                THEN format('lot P%s expired at %s, before %s', e.lot, e.created_at, l.expiry_at)
                WHEN e.back IS NOT NULL AND -e.point > coalesce(r.point, 0)
                THEN format('%s expired again of lot P%s, to which P%s gave back %s', -e.point, e.lot, e.back, coalesce(r.point, 0)) END AS wrong
    FROM expiries e
    LEFT JOIN money.point_lot l ON l.member_id = e.member_id AND l.save_point_member_id = e.lot
    LEFT JOIN money.point_draw r ON r.member_id = e.member_id AND r.point_member_id = e.back AND r.save_point_member_id = e.lot
)
SELECT count(*)                    AS expiries,
       coalesce(-sum(point), 0)    AS points,
       count(wrong)                AS differences,
       (array_agg(format('member %s, P%s: %s', member_id, id, wrong) ORDER BY member_id, id) FILTER (WHERE wrong IS NOT NULL))[1:5] AS examples
FROM judged
