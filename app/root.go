package app

import (
	"context"
	"errors"
	"fmt"

	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/english"

	"github.com/jackc/pgx/v5"
)

// keepRoot keeps what the start of e sees, for ever. Errors: domain.ContentChanged, MissingKeys.
func (s *Events) keepRoot(ctx context.Context, tx pgx.Tx, e domain.Event, start content.Start) error {
	list, key, err := s.checkedList(ctx, tx, e)
	if err != nil {
		return err
	}
	kept, err := content.Keep(e, start, list.ForRoot(), key)
	if err != nil {
		return err
	}
	const insert = `INSERT INTO starts (event_id, at, by, root, definition) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (event_id) DO NOTHING`
	tag, err := tx.Exec(ctx, insert, e.ID, kept.At, kept.By, kept.Root, kept.Definition)
	if err != nil {
		return fmt.Errorf("keep root: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return content.Changed("the event was started before, so its status was set back")
	}
	return nil
}

// checkRoot refuses to resume an event whose root is not the one that its start has kept. An event that was started by
// a version without roots has none. Errors: domain.ContentChanged, MissingKeys.
func (s *Events) checkRoot(ctx context.Context, tx pgx.Tx, e domain.Event) error {
	list, key, err := s.checkedList(ctx, tx, e)
	if err != nil {
		return err
	}
	var kept content.Kept
	const query = `SELECT at, by, root, definition FROM starts WHERE event_id = $1`
	err = tx.QueryRow(ctx, query, e.ID).Scan(&kept.At, &kept.By, &kept.Root, &kept.Definition)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read root: %w", err)
	}
	if key == nil && kept.Version() > content.Keyless {
		return content.Changed("the hashes that the start saw are gone, with their key")
	}
	if why := kept.Differs(e, list.ForRoot(), key); why != "" {
		return content.Changed(why)
	}
	return nil
}

// checkedList reads what the event's imports have left, and the key of its hashes, nil for a list of before hashes. It
// refuses chunks that are not the event's total, a hash that was taken away, imports and chunks that are not those that
// were sealed, and a key that cannot be opened. Errors: domain.ContentChanged, MissingKeys.
func (s *Events) checkedList(ctx context.Context, tx pgx.Tx,
	e domain.Event,
) (l content.List, key content.Key, err error) {
	if l, err = selectList(ctx, tx, e.ID); err != nil {
		return l, nil, err
	}
	if total := l.Total(); total != e.TotalCount {
		return l, nil, content.Changed(fmt.Sprintf("the chunks have %s, the event %s", english.Count(total, "target"),
			english.Number(e.TotalCount)))
	}
	if c := l.Lost(); c != nil {
		return l, nil, content.Changed("chunk " + c.String() + " has lost its hash")
	}
	if !l.Hashed() && !l.Sealed() {
		return l, nil, nil
	}
	kept, err := s.keys.Key(ctx, tx, e.ID)
	if err != nil {
		return l, nil, err
	}
	if why := l.Differs(kept); why != "" {
		return l, nil, content.Changed(why)
	}
	return l, kept, nil
}

// selectList reads what the event's imports have left.
func selectList(ctx context.Context, tx pgx.Tx, eventID int64) (l content.List, err error) {
	const chunks = `SELECT partition_key, first_id, last_id, target_count, content_hash, import_id
		FROM grant_chunks WHERE event_id = $1 ORDER BY partition_key, first_id`
	rows, err := tx.Query(ctx, chunks, eventID)
	if err != nil {
		return l, fmt.Errorf("read chunks: %w", err)
	}
	c := content.ListChunk{Chunk: content.Chunk{Chunk: domain.Chunk{EventID: eventID}}}
	_, err = pgx.ForEachRow(rows,
		[]any{&c.PartitionKey, &c.First, &c.Last, &c.Count, &c.Kept, &c.ImportID}, func() error {
			l.Chunks = append(l.Chunks, c.WithHash())
			return nil
		})
	if err != nil {
		return l, fmt.Errorf("read chunks: %w", err)
	}
	const imports = `SELECT i.id, i.digest, i.seal, i.hashed, k.imports_seal
		FROM imports i LEFT JOIN event_keys k ON k.event_id = i.event_id WHERE i.event_id = $1 ORDER BY i.id`
	if rows, err = tx.Query(ctx, imports, eventID); err != nil {
		return l, fmt.Errorf("read imports: %w", err)
	}
	var p content.ListImport
	_, err = pgx.ForEachRow(rows, []any{&p.ID, &p.Digest, &p.Seal, &p.Hashed, &l.Seal}, func() error {
		l.Imports = append(l.Imports, p)
		return nil
	})
	if err != nil {
		return l, fmt.Errorf("read imports: %w", err)
	}
	return l, nil
}
