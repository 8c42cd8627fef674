-- I3: SUCCESS ⇔ exactly one save in the ledger with that money_tx_id, member, amount and key.
--
-- SUCCESS ⇒ save holds always, since the ledger commits first. Save ⇒ SUCCESS holds at COMPLETED. Before, the ledger may
-- be ahead of a result that is not final, where the chunk was claimed: the same key is asked for again, and that settles
-- it. At any time it may be ahead of a redrive in flight, and of a mismatch: the ledger contradicted itself about the member,
-- and granted all the same what the list says, once.
WITH results AS NOT MATERIALIZED (
    SELECT * FROM {{results}} r WHERE ours AND ($1::bigint IS NULL OR r.event_id = $1)
), saves AS NOT MATERIALIZED (
{{saves}}
), suspects AS (
    SELECT coalesce(r.event_id, s.event_id) AS event_id, coalesce(r.member_id, s.member_id) AS member_id,
           r.status, r.amount, r.money_tx_id, coalesce(r.error_code = 'mismatch', false) AS mismatch,
           r.redrive > r.redrive_done AS redriven, s.tx_id, s.amount AS saved, s.key, s.ref,
           count(*) OVER (PARTITION BY s.event_id, s.member_id) AS copies
    FROM results r
    FULL JOIN saves s ON s.event_id = r.event_id AND s.member_id = r.member_id
    WHERE CASE WHEN s.tx_id IS NULL THEN r.status = 'SUCCESS'
               ELSE r.status IS DISTINCT FROM 'SUCCESS' OR r.money_tx_id IS DISTINCT FROM s.tx_id OR r.amount <> s.amount
                    OR s.key <> 'grant:' || r.event_id || ':' || r.member_id END
), judged AS (
    SELECT u.*, u.status IS DISTINCT FROM 'SUCCESS'
           AND u.copies = 1 AND u.saved = t.amount AND u.key = 'grant:' || u.event_id || ':' || u.member_id AND c.claimed_at IS NOT NULL
           AND (u.mismatch
                OR e.event_status IN ('RUNNING', 'STOPPED', 'FAILED') AND coalesce(u.status, 'PENDING') IN ('PENDING', 'FAILED')
                OR u.status = 'PERMANENTLY_FAILED' AND u.redriven) AS allowed
    FROM suspects u
    LEFT JOIN public.campaign_events e ON e.id = u.event_id
    LEFT JOIN LATERAL (SELECT * FROM {{targets}} x
                       WHERE x.event_id = u.event_id AND x.member_id = u.member_id LIMIT 1) t ON true
    LEFT JOIN LATERAL (SELECT * FROM public.grant_chunks x
                       WHERE x.event_id = t.event_id AND x.partition_key = t.partition_key AND x.first_id <= t.id
                       ORDER BY x.first_id DESC LIMIT 1) c ON true
)
SELECT r.*, s.*, j.*
FROM (SELECT count(*) AS success, coalesce(sum(amount), 0) AS success_sum,
             sum(hashtextextended(member_id || money_tx_id, amount # (event_id << 32))) AS success_hash
      FROM results WHERE status = 'SUCCESS') r,
     (SELECT count(*) AS saves, coalesce(sum(amount), 0) AS saves_sum,
             sum(hashtextextended(member_id || tx_id, amount # (event_id << 32))) AS saves_hash
      FROM saves) s,
     (SELECT count(*) FILTER (WHERE allowed AND NOT mismatch) AS ahead,
             count(*) FILTER (WHERE allowed AND mismatch) AS mismatches,
             count(*) FILTER (WHERE allowed IS NOT TRUE) AS differences,
             (array_agg(CASE
                 WHEN event_id IS NULL THEN format('member %s: the ledger granted %s (%s) for %s, which is no event', member_id, saved, tx_id, ref)
                 WHEN tx_id IS NULL THEN format('event %s, member %s: SUCCESS with %s, but the ledger has no save', event_id, member_id, coalesce(money_tx_id, 'no transaction'))
                 WHEN status IS DISTINCT FROM 'SUCCESS' THEN format('event %s, member %s: the ledger granted %s (%s), but the result is %s', event_id, member_id, saved, tx_id, coalesce(status, 'missing'))
                 ELSE format('event %s, member %s: SUCCESS of %s with %s, but the ledger says %s with %s under key %s', event_id, member_id, amount, coalesce(money_tx_id, 'no transaction'), saved, tx_id, key)
              END ORDER BY event_id, member_id, tx_id) FILTER (WHERE allowed IS NOT TRUE))[1:5] AS examples
      FROM judged) j
