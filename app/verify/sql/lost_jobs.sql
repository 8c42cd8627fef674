-- The jobs that were cancelled or discarded, and whether their work was done all the same ("healed"). A relay job's is done
-- when each chunk of its run was published and is settled, or has a job that goes on with it, or belongs to an event whose
-- start or resume gives it a job; one that publishes for a person's word, when that is answered. A replay's, when its message was asked for again by another job that was not lost.
-- Any other kind is of the timetable, whose next one does the same.
SELECT j.id, j.kind, j.state::text AS state, j.args->>'event_id' AS event_id, j.finalized_at,
       CASE j.kind
       WHEN 'relay' THEN j.args ? 'first_id' AND NOT EXISTS (
            SELECT FROM public.grant_chunks c
            JOIN public.campaign_events e ON e.id = c.event_id AND e.event_status NOT IN ('PENDING', 'STOPPED')
            WHERE c.event_id = (j.args->>'event_id')::bigint AND c.partition_key = (j.args->>'partition_key')::int
              AND c.first_id BETWEEN (j.args->>'first_id')::bigint AND (j.args->>'last_id')::bigint
              AND (c.published_at IS NULL OR c.settled_count < c.target_count OR j.args->>'mode' = 'redrive' AND c.published_at < j.finalized_at
                     AND EXISTS (SELECT FROM {{redriven}} o WHERE o.event_id = c.event_id))
              AND NOT EXISTS (SELECT FROM river.river_job l
                              WHERE l.kind = 'relay' AND l.state IN ('available', 'running', 'retryable', 'scheduled')
                                AND l.args @> jsonb_build_object('event_id', c.event_id, 'partition_key', c.partition_key)
                                AND (l.args->>'first_id')::bigint <= c.first_id AND (l.args->>'last_id')::bigint >= c.last_id))
       WHEN 'replay' THEN EXISTS (SELECT FROM river.river_job l
                                  WHERE l.kind = 'replay' AND l.args @> jsonb_build_object('parked_id', j.args->'parked_id')
                                    AND l.state NOT IN ('cancelled', 'discarded') AND l.created_at >= j.created_at)
                      OR NOT EXISTS (SELECT FROM public.parked_messages p WHERE p.id = (j.args->>'parked_id')::bigint AND p.replayed_at IS NOT NULL)
       WHEN 'verify' THEN true -- it may be asked for again, and nothing waits for it
       ELSE EXISTS (SELECT FROM river.river_job l WHERE l.kind = j.kind AND l.state = 'completed' AND l.finalized_at >= j.finalized_at)
       END AS healed
FROM river.river_job j
WHERE j.state IN ('cancelled', 'discarded')
