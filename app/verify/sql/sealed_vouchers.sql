-- Every voucher of the ledger beside the result that shows it, as both are sealed. A result of another ledger stands alone.
SELECT coalesce(r.event_id, e.id, 0) AS event_id, coalesce(r.member_id, v.member_id) AS member_id, v.voucher_id IS NOT NULL AS issued,
       r.event_id IS NOT NULL AS granted, coalesce(v.ref, '') AS ref, coalesce(v.idempotency_key, '') AS key,
       v.sealed_code, v.sealed_pin, v.code_hmac, coalesce(r.voucher_code, '') AS code, coalesce(r.voucher_pin, '') AS pin
FROM (money.vouchers v LEFT JOIN public.campaign_events e ON e.id::text = v.ref)
FULL JOIN (SELECT * FROM {{results}} g WHERE g.status = 'SUCCESS') r ON r.event_id = e.id AND r.member_id = v.member_id
WHERE $1::bigint IS NULL OR r.event_id = $1 OR v.ref = $1::bigint::text
