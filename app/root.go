package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bestow/app/content"
	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// contentChanged is what stops an event whose content is not what was imported and started.
func contentChanged(what string) error {
	return &domain.Error{Code: domain.ContentChanged, Message: "what would be granted is not what was imported: " + what,
		Hint: "`bestow verify EVENT` names what differs; put it back as it was, and start or resume the event again"}
}

// keepRoot keeps what the start of e sees, for ever, and its moment. Errors: domain.ContentChanged, MissingKeys.
func (s *Events) keepRoot(ctx context.Context, tx pgx.Tx, e domain.Event, by string) error {
	chunks, err := s.checkedChunks(ctx, tx, e)
	if err != nil {
		return err
	}
	definition, err := content.Definition(e, content.Version)
	if err != nil {
		return err
	}
	root := content.Root(definition, chunks)
	const insert = `INSERT INTO starts (event_id, at, by, root, definition)
		SELECT event_id, started_at, $2, $3, $4 FROM campaign_event_summary WHERE event_id = $1
		ON CONFLICT (event_id) DO NOTHING`
	tag, err := tx.Exec(ctx, insert, e.ID, by, root[:], string(definition))
	if err != nil {
		return fmt.Errorf("keep root: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return contentChanged("the event was started before, so its status was set back")
	}
	return nil
}

// checkRoot refuses to resume an event whose root is not the one that its start has kept. An event that was started by a
// version without roots has none. Errors: domain.ContentChanged, MissingKeys.
func (s *Events) checkRoot(ctx context.Context, tx pgx.Tx, e domain.Event) error {
	chunks, err := s.checkedChunks(ctx, tx, e)
	if err != nil {
		return err
	}
	var kept []byte
	var definition string
	const query = `SELECT root, definition FROM starts WHERE event_id = $1`
	err = tx.QueryRow(ctx, query, e.ID).Scan(&kept, &definition)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read root: %w", err)
	}
	if why := rootDiffers(e, chunks, kept, definition); why != "" {
		return contentChanged(why)
	}
	return nil
}

// rootDiffers returns what is not as the start saw it, "" if all is.
func rootDiffers(e domain.Event, chunks []content.Chunk, kept []byte, definition string) string {
	was := map[string]any{}
	version, known := 0.0, false
	if json.Unmarshal([]byte(definition), &was) == nil {
		version, known = was["v"].(float64)
	}
	if !known {
		return "the definition that the start has kept cannot be read"
	}
	defined, err := content.Definition(e, int(version))
	if err != nil {
		return err.Error()
	}
	if root := content.Root(defined, chunks); bytes.Equal(root[:], kept) {
		if string(defined) == definition {
			return ""
		}
		return "the definition that the start has kept is not the one of its root"
	}
	is := map[string]any{}
	if json.Unmarshal(defined, &is) != nil || maps.Equal(is, was) {
		return "chunks were added, taken away or changed since the start"
	}
	var changed []string
	for name := range is {
		if is[name] != was[name] {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return "since the start somebody has changed " + strings.Join(changed, ", ")
}

// checkedChunks reads the event's chunks with their hashes, in the order of the root. It refuses chunks that are not the
// event's total, a hash that was taken away, and a key that cannot be opened. Errors: domain.ContentChanged, MissingKeys.
func (s *Events) checkedChunks(ctx context.Context, tx pgx.Tx, e domain.Event) ([]content.Chunk, error) {
	chunks, hashed, err := selectHashedChunks(ctx, tx, e.ID)
	if err != nil {
		return nil, err
	}
	total := 0
	for _, c := range chunks {
		total += c.Count
	}
	if total != e.TotalCount {
		return nil, contentChanged(fmt.Sprintf("the chunks have %d targets, the event %d", total, e.TotalCount))
	}
	if hashed {
		_, err = s.keptContentKey(ctx, tx, e.ID)
	}
	return chunks, err
}

// selectHashedChunks reads an event's chunks in the order of the root; hashed reports whether any has a hash. Error:
// domain.ContentChanged for one whose hash was taken away.
func selectHashedChunks(ctx context.Context, tx pgx.Tx, eventID int64) (chunks []content.Chunk, hashed bool, err error) {
	const query = `SELECT c.partition_key, c.first_id, c.last_id, c.target_count, c.content_hash, i.hashed
		FROM grant_chunks c JOIN imports i ON i.id = c.import_id
		WHERE c.event_id = $1 ORDER BY c.partition_key, c.first_id`
	rows, err := tx.Query(ctx, query, eventID)
	if err != nil {
		return nil, false, fmt.Errorf("read chunks: %w", err)
	}
	var hash []byte
	var byImport bool
	c := content.Chunk{Chunk: domain.Chunk{EventID: eventID}}
	_, err = pgx.ForEachRow(rows, []any{&c.PartitionKey, &c.First, &c.Last, &c.Count, &hash, &byImport}, func() error {
		if hash == nil && byImport {
			return contentChanged("chunk " + c.String() + " has lost its hash")
		}
		hashed = hashed || hash != nil
		c.Hash = content.Hash{}
		copy(c.Hash[:], hash)
		chunks = append(chunks, c)
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("read chunks: %w", err)
	}
	return chunks, hashed, nil
}
