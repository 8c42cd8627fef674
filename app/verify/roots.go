package verify

import (
	"context"
	"errors"
	"fmt"

	"bestow/domain"
	"bestow/domain/content"

	"github.com/jackc/pgx/v5"
)

func (c *contentCheck) readKeys(ctx context.Context, tx pgx.Tx, event *int64) error {
	rows, err := tx.Query(ctx,
		`SELECT event_id, wrapped, imports_seal FROM public.event_keys WHERE $1::bigint IS NULL OR event_id = $1`,
		event)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	var id int64
	var kept, sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &kept, &sealed}, func() error {
		c.kept[id] = kept
		c.lists[id] = content.List{Seal: sealed}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	return nil
}

func (c *contentCheck) readChunks(ctx context.Context, tx pgx.Tx, event *int64) error {
	const query = `SELECT e.event_type, c.event_id, c.partition_key, c.first_id, c.last_id, c.target_count, c.content_hash,
			i.hashed, i.id, i.total_amount, coalesce(i.max_amount, 0)
		FROM public.grant_chunks c JOIN public.campaign_events e ON e.id = c.event_id JOIN public.imports i ON i.id = c.import_id
		WHERE $1::bigint IS NULL OR c.event_id = $1 ORDER BY c.event_id, c.first_id`
	rows, err := tx.Query(ctx, query, event)
	if err != nil {
		return fmt.Errorf("read chunks: %w", err)
	}
	var code string
	var k keptChunk
	columns := []any{
		&code, &k.EventID, &k.PartitionKey, &k.First, &k.Last, &k.Count, &k.Kept, &k.hashed, &k.ImportID,
		&k.says.sum, &k.says.most,
	}
	_, err = pgx.ForEachRow(rows, columns, func() error {
		k.ListChunk = k.WithHash()
		c.chunks[code] = append(c.chunks[code], k)
		list := c.lists[k.EventID]
		list.Chunks = append(list.Chunks, k.ListChunk)
		c.lists[k.EventID] = list
		return nil
	})
	if err != nil {
		return fmt.Errorf("read chunks: %w", err)
	}
	return nil
}

func (c *contentCheck) readImports(ctx context.Context, tx pgx.Tx, event *int64) error {
	const query = `SELECT event_id, id, digest, seal, hashed FROM public.imports WHERE $1::bigint IS NULL OR event_id = $1 ORDER BY id`
	rows, err := tx.Query(ctx, query, event)
	if err != nil {
		return fmt.Errorf("read imports: %w", err)
	}
	var eventID int64
	var p content.ListImport
	_, err = pgx.ForEachRow(rows, []any{&eventID, &p.ID, &p.Digest, &p.Seal, &p.Hashed}, func() error {
		list := c.lists[eventID]
		list.Imports = append(list.Imports, p)
		c.lists[eventID] = list
		return nil
	})
	if err != nil {
		return fmt.Errorf("read imports: %w", err)
	}
	return nil
}

// compareEvents compares each event's imports and chunks with their seals, and what was started with its root.
func (c *contentCheck) compareEvents(ctx context.Context, tx pgx.Tx, event *int64) error {
	starts, err := readStarts(ctx, tx, event)
	if err != nil {
		return err
	}
	events, err := readEvents(ctx, tx, event)
	if err != nil {
		return err
	}
	for _, e := range events {
		list := c.lists[e.ID]
		list.Sort()
		kept, started := starts[e.ID]
		var key content.Key
		if list.Hashed() || list.Sealed() || kept.Version() > content.Keyless {
			opened, err := c.keyOf(e.ID)
			if err != nil {
				return err
			}
			if opened != nil { // a nil *seal.Key is no nil Key
				key = opened
			}
		}
		if err := errors.Join(c.compareSeals(e.ID, list, key),
			c.compareStart(e, list, kept, started, key)); err != nil {
			return err
		}
	}
	return nil
}

// compareSeals compares the imports of an event and their chunks with what was sealed.
func (c *contentCheck) compareSeals(eventID int64, list content.List, key content.Key) error {
	if _, keyed := c.kept[eventID]; keyed && !list.Hashed() {
		c.differ("event %d has a key for hashes, and no chunk has a hash", eventID)
	}
	if list.Unsealed() {
		c.gaps[gapNoSeal] = append(c.gaps[gapNoSeal], eventID)
	}
	if key == nil {
		return nil
	}
	if why := list.Differs(key); why != "" {
		c.differ("event %d: %s", eventID, why)
		return nil
	}
	return c.measures.add("imports", int64(len(list.WithSeals())))
}

// compareStart compares an event that was started with what its start has kept.
func (c *contentCheck) compareStart(e domain.Event, list content.List, kept content.Kept, started bool,
	key content.Key,
) error {
	began := e.Status != domain.Pending || e.Summary.StartedAt != nil
	switch {
	case started && !began:
		c.differ("event %d is PENDING, and was started", e.ID)
	case started:
		return c.compareRoot(e, list, kept, key)
	case began && list.Hashed():
		c.differ("event %d: its import made hashes, but its start has kept no root: it was deleted, "+
			"or an older version started the event", e.ID)
	case began:
		c.gaps[gapNoRoot] = append(c.gaps[gapNoRoot], e.ID)
	}
	return nil
}

// compareRoot compares an event with its root. A root without a key proves nothing where there is a key.
func (c *contentCheck) compareRoot(e domain.Event, list content.List, kept content.Kept, key content.Key) error {
	why := kept.Differs(e, list.ForRoot(), key)
	keyless := kept.Version() == content.Keyless
	switch {
	case why != "":
		c.differ("event %d: %s", e.ID, why)
	case e.Summary.StartedAt == nil || !e.Summary.StartedAt.Equal(kept.At):
		c.differ("event %d: it was not started at the moment that its start has kept", e.ID)
	case keyless && list.Sealed():
		c.differ("event %d: its list is sealed, but its root has no key: it was made anew, "+
			"or an older version started the event", e.ID)
	case keyless && list.Hashed():
		c.gaps[gapKeyless] = append(c.gaps[gapKeyless], e.ID)
	case keyless || key != nil:
		return c.count("roots")
	}
	return nil
}

// readEvents reads the rows of the events, with their types and summaries. It reads every moment, so that one that no
// code of the product writes, such as infinity, is seen.
func readEvents(ctx context.Context, tx pgx.Tx, event *int64) ([]domain.Event, error) {
	const query = `SELECT e.id, e.campaign_id, e.event_status, coalesce(e.failure_code, ''), e.created_by,
			e.total_count, e.total_amount, e.partition_count, e.reservation_priority,
			coalesce(e.default_reason, ''), coalesce(e.default_amount, 0),
			e.expiry_at, e.reservation_at, e.created_at, e.updated_at, s.started_at, s.completed_at, s.stopped_at,
			s.published_count, s.success_count, s.fail_count, s.retry_success_count, coalesce(s.stopped_memo, ''),
			y.code, y.granter, y.operation
		FROM public.campaign_events e JOIN public.event_types y ON y.code = e.event_type
		JOIN public.campaign_event_summary s ON s.event_id = e.id WHERE $1::bigint IS NULL OR e.id = $1 ORDER BY e.id`
	rows, err := tx.Query(ctx, query, event)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e domain.Event, err error) {
		return e, row.Scan(&e.ID, &e.CampaignID, &e.Status, &e.FailureCode, &e.CreatedBy,
			&e.TotalCount, &e.TotalAmount, &e.Partitions, &e.ReservationPriority,
			&e.DefaultReason, &e.DefaultAmount,
			&e.ExpiryAt, &e.ReservationAt, &e.CreatedAt, &e.UpdatedAt,
			&e.Summary.StartedAt, &e.Summary.CompletedAt, &e.Summary.StoppedAt,
			&e.Summary.Published, &e.Summary.Success, &e.Summary.Fail, &e.Summary.RetrySuccess, &e.Summary.StoppedMemo,
			&e.Type.Code, &e.Type.Granter, &e.Type.Operation)
	})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}

func readStarts(ctx context.Context, tx pgx.Tx, event *int64) (map[int64]content.Kept, error) {
	rows, err := tx.Query(ctx,
		`SELECT event_id, at, by, root, definition FROM public.starts WHERE $1::bigint IS NULL OR event_id = $1`, event)
	if err != nil {
		return nil, fmt.Errorf("read starts: %w", err)
	}
	starts := map[int64]content.Kept{}
	var eventID int64
	var k content.Kept
	_, err = pgx.ForEachRow(rows, []any{&eventID, &k.At, &k.By, &k.Root, &k.Definition}, func() error {
		starts[eventID] = k
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read starts: %w", err)
	}
	return starts, nil
}
