-- What the ledger granted for campaigns whose ledger it is: one row a voucher. event_id is NULL where ref names no event.
SELECT e.id AS event_id, v.ref, v.member_id, v.amount, 'V' || v.voucher_id AS tx_id, v.idempotency_key AS key
FROM money.vouchers v
LEFT JOIN (campaign_events e JOIN event_types y ON y.code = e.event_type) ON e.id::text = v.ref
WHERE v.type_code = 'CM' AND coalesce(y.granter, 'money') = 'money'
  AND ($1::bigint IS NULL OR v.ref = $1::bigint::text)
