-- I1, always: no result without its target, and no result whose amount is not the target's.
-- Event and amount are the seed of the hash, so that equal hashes mean equal sets.
SELECT count(*)                                                          AS results,
       coalesce(sum(r.amount), 0)                                        AS results_sum,
       coalesce(sum(t.amount), 0)                                        AS targets_sum,
       sum(hashtextextended(r.member_id, r.amount # (r.event_id << 32))) AS results_hash,
       sum(hashtextextended(t.member_id, t.amount # (t.event_id << 32))) AS targets_hash,
       count(*) FILTER (WHERE t.amount IS DISTINCT FROM r.amount)        AS differences,
       (array_agg(format('event %s, member %s: %s', r.event_id, r.member_id,
                         CASE WHEN t.amount IS NULL THEN 'a result without a target'
                              ELSE format('the result says %s, the target %s', r.amount, t.amount) END)
                  ORDER BY r.event_id, r.member_id)
            FILTER (WHERE t.amount IS DISTINCT FROM r.amount))[1:5]      AS examples
FROM {{results}} r
LEFT JOIN {{targets}} t ON t.event_id = r.event_id AND t.member_id = r.member_id
WHERE $1::bigint IS NULL OR r.event_id = $1
