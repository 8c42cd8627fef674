-- I43, always: parked messages, stored answers and reports are what was written, by their digests. Those of an older version
-- have none. A report's digest is of its own text, with "" in the place of the digest.
WITH parked AS NOT MATERIALIZED (
    SELECT id, digest IS NULL AS undigested,
           digest <> sha256(convert_to(ROW(topic, kafka_partition, kafka_offset, encode(payload, 'hex'))::text, 'UTF8')) AS wrong
    FROM public.parked_messages WHERE $1::bigint IS NULL
), answers AS NOT MATERIALIZED (
    SELECT actor, key, digest IS NULL AS undigested,
           digest <> sha256(convert_to(ROW(actor, key, encode(fingerprint, 'hex'), answer)::text, 'UTF8')) AS wrong
    FROM public.idempotency_keys WHERE $1::bigint IS NULL
), imported AS NOT MATERIALIZED ( -- what an answer says of an upload, which only a recorded deletion takes away, of it or of its event
    SELECT a.actor, a.key, a.answer->>'ImportID' AS import_id, a.answer->>'EventID' AS event_id,
           CASE WHEN i.id IS NULL AND x.import_id IS NULL THEN d.event_id IS NULL
                ELSE jsonb_build_array(coalesce(i.event_id, x.event_id), coalesce(i.accepted, x.accepted),
                                       coalesce(i.rejected, x.rejected), coalesce(i.total_amount, x.total_amount))
                     <> jsonb_build_array(a.answer->'EventID', a.answer->'Accepted', a.answer->'Rejected', a.answer->'TotalAmount') END AS wrong
    FROM public.idempotency_keys a
    LEFT JOIN public.imports i ON to_jsonb(i.id) = a.answer->'ImportID'
    LEFT JOIN public.deleted_imports x ON to_jsonb(x.import_id) = a.answer->'ImportID'
    LEFT JOIN public.deleted_events d ON to_jsonb(d.event_id) = a.answer->'EventID'
    WHERE a.answer ?& '{EventID,ImportID,Accepted}' AND ($1::bigint IS NULL OR a.answer->'EventID' = to_jsonb($1::bigint))
), reports AS NOT MATERIALIZED (
    SELECT id, event_id,
           (report->>'sha256', report->>'ok', report->>'by', report->>'event_id', report->>'checked_at')
           IS DISTINCT FROM
           (encode(sha256(convert_to(left(report::text, -length(report->>'sha256') - 3) || '""}', 'UTF8')), 'hex'),
            ok::text, checked_by, event_id::text,
            rtrim(rtrim(to_char(checked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.') || 'Z') AS wrong
    FROM public.verify_reports WHERE $1::bigint IS NULL OR event_id = $1
), wrong AS (
    SELECT format('parked message %s is not what was parked', id) AS what FROM parked WHERE wrong
    UNION ALL
    SELECT format('the answer that %s got under key %s is not what was stored', actor, key) FROM answers WHERE wrong
    UNION ALL
    SELECT format('the answer that %s got under key %s tells of import %s of event %s, which is gone or another one', actor, key, import_id, event_id)
    FROM imported WHERE wrong
    UNION ALL
    SELECT format('report %s on event %s is not what was kept', id, event_id) FROM reports WHERE wrong
)
SELECT (SELECT count(*) FROM parked)                                                               AS parked,
       (SELECT count(*) FROM answers)                                                              AS answers,
       (SELECT count(*) FROM reports)                                                              AS reports,
       (SELECT count(*) FROM parked WHERE undigested) + (SELECT count(*) FROM answers WHERE undigested) AS undigested,
       count(*)                                                                                    AS differences,
       (array_agg(what ORDER BY what))[1:5]                                                        AS examples
FROM wrong
