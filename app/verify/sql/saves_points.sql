-- What the ledger granted for campaigns: one row a save. event_id is NULL where ref names no event. A shop may use the cause CM
-- too, for what is no event, and so may the campaigns of another installation, under keys of theirs.
SELECT e.id AS event_id, m.ref_unique_id AS ref, m.member_id, m.point AS amount,
       'P' || m.point_member_id AS tx_id, m.idempotency_key AS key
FROM money.point_member m
LEFT JOIN public.campaign_events e ON e.id::text = m.ref_unique_id
WHERE m.point_status_code = 'S' AND m.point_type_code = 'CM' AND ($1::bigint IS NULL OR m.ref_unique_id = $1::bigint::text)
  AND (m.idempotency_key LIKE 'grant:%' OR e.id IS NOT NULL AND m.idempotency_key NOT LIKE '%:grant:%')
