-- I38, always: an event's imports add up to its totals, each import's targets are those of its chunks, and its row and its
-- rejected rows are what the import wrote, by their digest. The digest is made here, as import_digest makes it: a function
-- can be replaced.
WITH imported AS (
    SELECT * FROM public.imports i
    WHERE $1::bigint IS NULL OR i.event_id = $1
), rejects AS (
    SELECT r.import_id, count(*) AS n,
           string_agg(sha256(convert_to(ROW(r.line, r.first_line, r.error_code, r.reason, r.raw)::text, 'UTF8')), ''::bytea ORDER BY r.line) AS digests
    FROM public.rejected_rows r JOIN imported i ON i.id = r.import_id GROUP BY r.import_id
), cut AS (
    SELECT c.import_id, min(c.event_id) AS event_id, max(c.event_id) AS last_event_id, sum(c.target_count) AS n FROM public.grant_chunks c
    WHERE $1::bigint IS NULL OR c.event_id = $1 GROUP BY c.import_id
), summed AS (
    SELECT event_id, sum(accepted) AS accepted, sum(total_amount) AS amount FROM imported GROUP BY event_id
), wrong AS (
    SELECT e.id AS event_id, format('the totals are %s with %s, the imports accepted %s with %s', e.total_count, e.total_amount,
                                    coalesce(s.accepted, 0), coalesce(s.amount, 0)) AS what
    FROM public.campaign_events e
    LEFT JOIN summed s ON s.event_id = e.id
    WHERE ($1::bigint IS NULL OR e.id = $1) AND (e.total_count <> coalesce(s.accepted, 0) OR e.total_amount <> coalesce(s.amount, 0))
    UNION ALL
    SELECT coalesce(i.event_id, c.event_id),
           CASE WHEN i.id IS NULL THEN format('chunks of import %s, which is not the event''s', c.import_id)
                WHEN c.event_id <> i.event_id OR c.last_event_id <> i.event_id THEN format('import %s has chunks of another event', i.id)
                ELSE format('import %s accepted %s, its chunks hold %s', i.id, i.accepted, coalesce(c.n, 0)) END
    FROM imported i
    FULL JOIN cut c ON c.import_id = i.id
    WHERE i.id IS NULL OR c.event_id <> i.event_id OR c.last_event_id <> i.event_id OR i.accepted <> coalesce(c.n, 0)
    UNION ALL
    SELECT i.event_id, format('import %s rejected %s, there are %s rejected rows', i.id, i.rejected, coalesce(r.n, 0))
    FROM imported i
    LEFT JOIN rejects r ON r.import_id = i.id
    WHERE i.rejected <> coalesce(r.n, 0)
    UNION ALL
    SELECT i.event_id, format('import %s or its rejected rows are not what was written: the digest is another', i.id)
    FROM imported i
    LEFT JOIN rejects r ON r.import_id = i.id
    WHERE i.digest <> sha256(convert_to(ROW(i.id, i.event_id, i.created_by, i.content_type, i.header, encode(i.sha256, 'hex'), i.bytes,
                                            i.accepted, i.rejected, i.total_amount)::text, 'UTF8') || coalesce(r.digests, ''::bytea))
)
SELECT (SELECT count(*) FROM imported)                                  AS imports,
       (SELECT coalesce(sum(accepted), 0) FROM imported)                AS accepted,
       (SELECT coalesce(sum(total_amount), 0) FROM imported)            AS accepted_sum,
       (SELECT coalesce(sum(rejected), 0) FROM imported)                AS rejected,
       (SELECT coalesce(sum(n), 0) FROM rejects)                        AS rejected_rows,
       count(*)                                                         AS differences,
       (array_agg(format('event %s: %s', event_id, what) ORDER BY event_id, what))[1:5] AS examples
FROM wrong
