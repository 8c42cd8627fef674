-- What the ledger granted for campaigns: one row a voucher. event_id is NULL where ref names no event; others
-- as in saves_points.sql.
SELECT e.id AS event_id, v.ref, v.member_id, v.amount, 'V' || v.voucher_id AS tx_id, v.idempotency_key AS key
FROM money.vouchers v
LEFT JOIN public.campaign_events e ON e.id::text = v.ref
WHERE v.type_code = 'CM' AND ($1::bigint IS NULL OR v.ref = $1::bigint::text)
  AND (v.idempotency_key LIKE 'grant:%' OR e.id IS NOT NULL AND v.idempotency_key NOT LIKE '%:grant:%')
