-- I20, always: a member owes what save-cancels with policy debt have not collected. A cancel took what its movement says, its
-- claim collected what the movements say that collected for it, and all cancels of a save ask for no more than was saved. What
-- they did not get was used, or went to other cancels; what they count as expired has expired, and was not saved anew. Uses
-- that were cancelled since count: ids are not in the order of time. A cancel takes from its save's own lot, and from those in
-- which its points were saved anew; only what collects later takes from others.
WITH members AS NOT MATERIALIZED (
    SELECT DISTINCT s.member_id FROM money.point_member s WHERE s.point_type_code = 'CM' AND s.ref_unique_id = $1::bigint::text
), cancels AS (
    SELECT * FROM money.point_cancel WHERE $1::bigint IS NULL OR member_id IN (SELECT member_id FROM members)
), movements AS (
    SELECT member_id, point_member_id AS id, -point AS point, undo_point_member_id AS save,
           CASE split_part(idempotency_key, ':', 1) WHEN 'claim' THEN substr(split_part(idempotency_key, ':', 3), 2)
                WHEN 'collect' THEN substr(split_part(idempotency_key, ':', 2), 2) END AS collects
    FROM money.point_member
    WHERE point_status_code = 'C' AND ($1::bigint IS NULL OR member_id IN (SELECT member_id FROM members))
), collected AS (
    SELECT member_id, collects, sum(point) AS point FROM movements WHERE collects IS NOT NULL GROUP BY member_id, collects
), families AS ( -- a save's own lot, and those in which its points were saved anew
    SELECT c.member_id, c.save, c.uncollected, c.expired, coalesce(d.used, 0) - c.taken AS spent, coalesce(d.expired, 0) - coalesce(l.anew, 0) AS gone
    FROM (SELECT member_id, save_point_member_id AS save, sum(taken) AS taken, sum(expired) AS expired, sum(uncollected) AS uncollected
          FROM cancels GROUP BY member_id, save_point_member_id) c
    CROSS JOIN LATERAL (
        SELECT array_agg(s.point_member_id) AS lots, sum(s.point) AS anew FROM money.point_member s
        WHERE s.member_id = c.member_id AND s.undo_point_member_id IS NOT NULL AND s.point_status_code = 'S' AND s.memo = 'of:P' || c.save) l
    CROSS JOIN LATERAL (
        SELECT -sum(d.point) FILTER (WHERE d.point_status_code IN ('U', 'C')) AS used, -sum(d.point) FILTER (WHERE d.point_status_code = 'E') AS expired
        FROM money.point_draw d WHERE d.member_id = c.member_id AND d.save_point_member_id = ANY (c.save || l.lots)) d
), wrong AS (
    SELECT coalesce(a.member_id, d.member_id) AS member_id, 0 AS id,
           format('owes %s, the debts are %s', coalesce(a.owed, 0), coalesce(d.owed, 0)) AS what
    FROM (SELECT * FROM money.point_account WHERE owed > 0 AND ($1::bigint IS NULL OR member_id IN (SELECT member_id FROM members))) a
    FULL JOIN (SELECT member_id, sum(uncollected - collected) AS owed FROM cancels WHERE policy = 'debt' GROUP BY member_id) d
        ON d.member_id = a.member_id
    WHERE coalesce(a.owed, 0) <> coalesce(d.owed, 0)
    UNION ALL
    SELECT coalesce(c.member_id, m.member_id), coalesce(c.cancel_point_member_id, m.id),
           CASE WHEN m.member_id IS NULL THEN 'a cancel without its movement'
                WHEN c.member_id IS NULL THEN 'a save-cancel of which nothing is kept'
                WHEN c.save_point_member_id IS DISTINCT FROM m.save THEN format('cancels P%s, its movement says P%s', c.save_point_member_id, m.save)
                ELSE format('the cancel took %s, its movement says %s', c.taken, m.point) END
    FROM cancels c
    FULL JOIN (SELECT * FROM movements WHERE collects IS NULL) m ON m.member_id = c.member_id AND m.id = c.cancel_point_member_id
    WHERE (c.taken, c.save_point_member_id) IS DISTINCT FROM (m.point, m.save)
    UNION ALL
    SELECT coalesce(c.member_id, k.member_id), c.cancel_point_member_id,
           format('the claim of cancel P%s has collected %s, its movements %s', coalesce(c.cancel_point_member_id::text, k.collects), coalesce(c.collected, 0), coalesce(k.point, 0))
    FROM cancels c
    FULL JOIN collected k ON k.member_id = c.member_id AND k.collects = c.cancel_point_member_id::text
    WHERE coalesce(c.collected, 0) <> coalesce(k.point, 0)
    UNION ALL
    SELECT c.member_id, c.save, format('of the save, %s was cancelled, %s was saved', c.asked, coalesce(s.point, 0))
    FROM (SELECT member_id, save_point_member_id AS save, sum(asked) AS asked FROM cancels GROUP BY member_id, save_point_member_id) c
    LEFT JOIN money.point_member s ON s.member_id = c.member_id AND s.point_member_id = c.save AND s.point_status_code = 'S'
    WHERE c.asked > coalesce(s.point, 0)
    UNION ALL
    SELECT member_id, save, format('of the save, %s was spent and %s has expired, its cancels say %s and %s', spent, gone, uncollected, expired)
    FROM families
    WHERE uncollected > spent OR expired > gone
    UNION ALL
    SELECT m.member_id, m.id, format('cancels P%s, and took from lot P%s, which has none of its points', m.save, d.save_point_member_id)
    FROM movements m
    JOIN money.point_draw d ON d.member_id = m.member_id AND d.point_member_id = m.id
    LEFT JOIN money.point_member s ON s.member_id = d.member_id AND s.point_member_id = d.save_point_member_id
    WHERE m.collects IS NULL AND d.save_point_member_id <> m.save AND s.memo IS DISTINCT FROM 'of:P' || m.save
)
SELECT (SELECT count(*) FROM cancels)                                                                      AS cancels,
       (SELECT coalesce(sum(taken), 0) FROM cancels)                                                       AS taken_sum,
       (SELECT coalesce(sum(uncollected - collected) FILTER (WHERE policy = 'remaining'), 0) FROM cancels) AS claims_sum,
       (SELECT coalesce(sum(uncollected - collected) FILTER (WHERE policy = 'debt'), 0) FROM cancels)      AS owed_sum,
       count(*)                                                                                            AS differences,
       (array_agg(format('member %s%s: %s', member_id, ', P' || nullif(id, 0), what) ORDER BY member_id, id, what))[1:5] AS examples
FROM wrong
