-- I43, always: parked messages and stored answers are what was written, by their digests. Those of an older version have none.
WITH parked AS NOT MATERIALIZED (
    SELECT id, digest IS NULL AS undigested,
           digest <> sha256(convert_to(ROW(topic, kafka_partition, kafka_offset, encode(payload, 'hex'))::text, 'UTF8')) AS wrong
    FROM parked_messages WHERE $1::bigint IS NULL
), answers AS NOT MATERIALIZED (
    SELECT actor, key, digest IS NULL AS undigested,
           digest <> sha256(convert_to(ROW(actor, key, encode(fingerprint, 'hex'), answer)::text, 'UTF8')) AS wrong
    FROM idempotency_keys WHERE $1::bigint IS NULL
), wrong AS (
    SELECT format('parked message %s is not what was parked', id) AS what FROM parked WHERE wrong
    UNION ALL
    SELECT format('the answer that %s got under key %s is not what was stored', actor, key) FROM answers WHERE wrong
)
SELECT (SELECT count(*) FROM parked)                                                               AS parked,
       (SELECT count(*) FROM answers)                                                              AS answers,
       (SELECT count(*) FROM parked WHERE undigested) + (SELECT count(*) FROM answers WHERE undigested) AS undigested,
       count(*)                                                                                    AS differences,
       (array_agg(what ORDER BY what))[1:5]                                                        AS examples
FROM wrong
