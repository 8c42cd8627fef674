-- I21, always: a save has one lot, which is its image: same id, member, point, moment and expiry, and it points at itself. And
-- no lot is without its save. What undoes a movement leads to one of the same member and of the right kind. What was saved
-- anew is what expired of the lot that its key names, and it says from which save its points come.
WITH movements AS NOT MATERIALIZED ( -- two arms, of which one is always empty: an IN under OR would be no join
    SELECT m.member_id, m.point_member_id, m.point, m.created_at, m.expiry_at, m.point_status_code, m.undo_point_member_id, m.idempotency_key, m.memo
    FROM money.point_member m WHERE $1::bigint IS NULL
    UNION ALL
    SELECT m.member_id, m.point_member_id, m.point, m.created_at, m.expiry_at, m.point_status_code, m.undo_point_member_id, m.idempotency_key, m.memo
    FROM money.point_member m
    WHERE $1::bigint IS NOT NULL AND m.member_id IN (
              SELECT s.member_id FROM money.point_member s WHERE s.point_type_code = 'CM' AND s.ref_unique_id = $1::bigint::text)
), lots AS NOT MATERIALIZED (
    SELECT l.member_id, l.point_member_detail_id, l.point_member_id, l.save_point_member_id, l.point, l.created_at, l.expiry_at
    FROM money.point_lot l WHERE $1::bigint IS NULL
    UNION ALL
    SELECT l.member_id, l.point_member_detail_id, l.point_member_id, l.save_point_member_id, l.point, l.created_at, l.expiry_at
    FROM money.point_lot l
    WHERE $1::bigint IS NOT NULL AND l.member_id IN (
              SELECT s.member_id FROM money.point_member s WHERE s.point_type_code = 'CM' AND s.ref_unique_id = $1::bigint::text)
), undoing AS ( -- few: grants undo nothing
    SELECT * FROM movements WHERE undo_point_member_id IS NOT NULL OR point_status_code IN ('R', 'C')
), anew AS (
    SELECT u.*, substr(split_part(u.idempotency_key, ':', 3), 2) AS lot FROM undoing u WHERE u.point_status_code = 'S'
), judged AS (
    SELECT coalesce(s.member_id, l.member_id) AS member_id, coalesce(s.point_member_id, l.point_member_id) AS id, s.member_id IS NOT NULL AS save,
           CASE WHEN l.member_id IS NULL THEN 'a save without its lot'
                WHEN s.member_id IS NULL THEN 'a lot without its save'
                WHEN l.save_point_member_id <> l.point_member_id THEN format('its lot points at P%s', l.save_point_member_id)
                WHEN l.point <> s.point THEN format('the save says %s, its lot %s', s.point, l.point)
                WHEN l.created_at <> s.created_at THEN format('the save is of %s, its lot of %s', s.created_at, l.created_at)
                WHEN l.expiry_at IS DISTINCT FROM s.expiry_at
                THEN format('the save expires %s, its lot %s', coalesce(s.expiry_at::text, 'never'), coalesce(l.expiry_at::text, 'never'))
                WHEN l.point_member_detail_id <> l.point_member_id THEN format('its lot has the id %s', l.point_member_detail_id) END AS wrong
    FROM (SELECT * FROM movements WHERE point_status_code = 'S') s
    FULL JOIN lots l ON l.member_id = s.member_id AND l.point_member_id = s.point_member_id
    UNION ALL
    SELECT u.member_id, u.point_member_id, false, format('a movement of kind %s undoes %s', u.point_status_code,
               CASE WHEN u.undo_point_member_id IS NULL THEN 'nothing'
                    WHEN t.member_id IS NULL THEN format('P%s, which the member does not have', u.undo_point_member_id)
                    ELSE format('P%s, which is of kind %s', u.undo_point_member_id, t.point_status_code) END)
    FROM undoing u
    LEFT JOIN money.point_member t ON t.member_id = u.member_id AND t.point_member_id = u.undo_point_member_id
    WHERE t.point_status_code IS DISTINCT FROM (CASE u.point_status_code WHEN 'R' THEN 'U' WHEN 'C' THEN 'S' WHEN 'E' THEN 'R' WHEN 'S' THEN 'R' END)
    UNION ALL
    SELECT a.member_id, a.point_member_id, false, format('saves anew %s of lot P%s, which lost %s to use-cancel P%s and comes from %s, not %s',
               a.point, a.lot, coalesce(-e.point, 0), a.undo_point_member_id, coalesce(o.memo, 'of:P' || a.lot), coalesce(a.memo, 'nothing'))
    FROM anew a
    LEFT JOIN undoing e ON e.idempotency_key = 'expire:P' || a.undo_point_member_id || ':P' || a.lot
    LEFT JOIN anew o ON o.member_id = a.member_id AND o.point_member_id::text = a.lot
    WHERE a.idempotency_key <> 'regrant:P' || a.undo_point_member_id || ':P' || a.lot OR e.point IS DISTINCT FROM -a.point
       OR e.member_id IS DISTINCT FROM a.member_id OR a.memo IS DISTINCT FROM coalesce(o.memo, 'of:P' || a.lot)
)
SELECT count(*) FILTER (WHERE save)     AS saves,
       (SELECT count(*) FROM undoing)   AS undoing,
       count(wrong)                     AS differences,
       (array_agg(format('member %s, P%s: %s', member_id, id, wrong) ORDER BY member_id, id) FILTER (WHERE wrong IS NOT NULL))[1:5] AS examples
FROM judged
