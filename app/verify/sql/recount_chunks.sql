-- The chunks of an event whose settled_count is not the number of their final rows. A chunk with more final rows than
-- targets has wrong bounds, which no recount mends: it is left to I11.
WITH bounds AS (
    SELECT partition_key, array_agg(first_id ORDER BY first_id) AS firsts FROM public.grant_chunks WHERE event_id = $1 GROUP BY partition_key
), settled AS ( -- each target goes to the last chunk that begins at or before it
    SELECT t.partition_key, b.firsts[width_bucket(t.id, b.firsts)] AS first_id, count(*) AS n
    FROM {{targets}} t
    JOIN {{results}} r ON r.event_id = t.event_id AND r.member_id = t.member_id
    JOIN bounds b ON b.partition_key = t.partition_key
    WHERE t.event_id = $1 AND r.status IN ('SUCCESS', 'PERMANENTLY_FAILED')
    GROUP BY 1, 2
)
SELECT c.partition_key, c.first_id, c.last_id, c.settled_count, coalesce(s.n, 0)
FROM public.grant_chunks c
LEFT JOIN settled s ON s.partition_key = c.partition_key AND s.first_id = c.first_id
WHERE c.event_id = $1 AND c.settled_count <> coalesce(s.n, 0) AND coalesce(s.n, 0) <= c.target_count
ORDER BY c.partition_key, c.first_id
