-- I8, always: 0 ≤ partition_key < partition_count, and equal to the rule's value. PostgreSQL has crc32() from 18 on only,
-- so the rows are read and the rule itself, domain.PartitionKey, is asked.
SELECT t.event_id, t.member_id, t.partition_key, e.partition_count
FROM {{targets}} t
JOIN public.campaign_events e ON e.id = t.event_id
WHERE $1::bigint IS NULL OR t.event_id = $1
