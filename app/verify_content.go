package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bestow/app/content"
	"bestow/app/keys"
	"bestow/domain"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// contentCheck compares what is to be granted with what was imported and started (I24).
type contentCheck struct {
	*finding
	store  keys.Store
	kept   map[int64][]byte          // the keys, as they are kept
	chunks map[string][]keptChunk    // by event type, in the order of event and first id
	hasher map[int64]*content.Hasher // of the events whose key opens; nil for one whose does not
	gaps   map[string][]int64        // events that are not compared, by reason
}

// keptChunk is a chunk as its row has it.
type keptChunk struct {
	content.Chunk

	hash     []byte // nil: it has none
	hashed   bool   // its import has made one
	importID int64
	says     amounts // its import, of all its targets
}

// amounts are those of an import's targets.
type amounts struct{ sum, most int64 }

func (a amounts) plus(amount int64) amounts { return amounts{a.sum + amount, max(a.most, amount)} }

// Reasons for which content is not compared.
const (
	gapNoHash   = "targets not hashed: the list was imported by an older version"
	gapNoMaster = "hashes not compared: no master key: set BESTOW_MASTER_KEY (or BESTOW_MASTER_KEY_FILE) for this command"
	gapBare     = "hashes prove nothing: the list was imported without a master key, so the key of its hash lies in the same database"
	gapNoRoot   = "root not compared: an older version started the event"
)

// compareContent hashes every target anew, as it streams by, sums the targets of each import, and makes the root of every
// event that was started.
func compareContent(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	c := contentCheck{finding: f, store: v.keys, kept: map[int64][]byte{}, chunks: map[string][]keptChunk{},
		hasher: map[int64]*content.Hasher{}, gaps: map[string][]int64{}}
	for _, name := range []string{"chunks", "hashed", "unhashed", "bare", "roots"} {
		if err := f.measures.add(name, int64(0)); err != nil {
			return err
		}
	}
	if err := c.readKeys(ctx, tx, v.event); err != nil {
		return err
	}
	if err := c.readChunks(ctx, tx, v.event); err != nil {
		return err
	}
	if err := c.compareRoots(ctx, tx, v.event); err != nil {
		return err
	}
	for _, t := range v.tables {
		if err := c.compareTargets(ctx, tx, t.EventType, v.event); err != nil {
			return err
		}
	}
	for _, why := range []string{gapNoHash, gapNoMaster, gapBare, gapNoRoot} {
		if events := c.gaps[why]; len(events) > 0 {
			slices.Sort(events)
			f.gaps = append(f.gaps, gapOf(why, slices.Compact(events)))
		}
	}
	return nil
}

func (c *contentCheck) count(measure string) error { return c.measures.add(measure, int64(1)) }

func (c *contentCheck) readKeys(ctx context.Context, tx pgx.Tx, event *int64) error {
	rows, err := tx.Query(ctx, `SELECT event_id, wrapped FROM event_keys WHERE $1::bigint IS NULL OR event_id = $1`, event)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	var id int64
	var kept []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &kept}, func() error {
		c.kept[id] = kept
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
		FROM grant_chunks c JOIN campaign_events e ON e.id = c.event_id JOIN imports i ON i.id = c.import_id
		WHERE $1::bigint IS NULL OR c.event_id = $1 ORDER BY c.event_id, c.first_id`
	rows, err := tx.Query(ctx, query, event)
	if err != nil {
		return fmt.Errorf("read chunks: %w", err)
	}
	var code string
	var k keptChunk
	columns := []any{&code, &k.EventID, &k.PartitionKey, &k.First, &k.Last, &k.Count, &k.hash, &k.hashed, &k.importID, &k.says.sum, &k.says.most}
	_, err = pgx.ForEachRow(rows, columns, func() error {
		k.Hash = content.Hash{}
		copy(k.Hash[:], k.hash)
		c.chunks[code] = append(c.chunks[code], k)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read chunks: %w", err)
	}
	return nil
}

// compareTargets hashes the targets of a type in the order of their ids, beside their chunks.
func (c *contentCheck) compareTargets(ctx context.Context, tx pgx.Tx, t domain.EventType, event *int64) error {
	rows, err := tx.Query(ctx, `SELECT event_id, id, partition_key, amount, member_id, reason FROM `+quoted(t.TargetTable())+`
		WHERE $1::bigint IS NULL OR event_id = $1 ORDER BY event_id, id`, event)
	if err != nil {
		return fmt.Errorf("read targets: %w", err)
	}
	w := walk{contentCheck: c, left: c.chunks[t.Code], found: map[int64]amounts{}}
	var eventID, id, amount int64
	var partition int
	var member, reason pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&eventID, &id, &partition, &amount, &member, &reason}, func() error {
		k, err := w.chunkOf(eventID, id, partition)
		if err != nil || k == nil {
			return err // a target in no chunk is I11's
		}
		w.found[k.importID] = w.found[k.importID].plus(amount)
		hasher, err := c.hasherOf(*k)
		if hasher != nil {
			hasher.Add(id, amount, member, reason)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read targets: %w", err)
	}
	for _, k := range w.left {
		if err := c.end(k); err != nil {
			return err
		}
	}
	c.compareAmounts(c.chunks[t.Code], w.found)
	return nil
}

// walk goes along the chunks of a type beside their targets.
type walk struct {
	*contentCheck

	left  []keptChunk
	found map[int64]amounts // by import
}

// chunkOf judges the chunks that end before the target, and returns the target's; nil where it is in none.
func (w *walk) chunkOf(eventID, id int64, partition int) (*keptChunk, error) {
	for len(w.left) > 0 && (w.left[0].EventID < eventID || w.left[0].EventID == eventID && w.left[0].Last < id) {
		if err := w.end(w.left[0]); err != nil {
			return nil, err
		}
		w.left = w.left[1:]
	}
	if len(w.left) == 0 {
		return nil, nil //nolint:nilnil // nil is "in no chunk"
	}
	if k := &w.left[0]; k.EventID == eventID && k.First <= id && k.PartitionKey == partition {
		return k, nil
	}
	return nil, nil //nolint:nilnil // as above
}

// compareAmounts compares what each import says of its targets' amounts with the targets of its chunks.
func (c *contentCheck) compareAmounts(chunks []keptChunk, found map[int64]amounts) {
	compared := map[int64]bool{}
	for _, k := range chunks {
		if compared[k.importID] {
			continue
		}
		compared[k.importID] = true
		is := found[k.importID]
		if is.sum != k.says.sum {
			c.differ("event %d: import %d says that its targets sum to %d, they sum to %d", k.EventID, k.importID, k.says.sum, is.sum)
		}
		if is.most != k.says.most && k.says.most != 0 { // an older version does not say it
			c.differ("event %d: import %d says that its largest amount is %d, it is %d", k.EventID, k.importID, k.says.most, is.most)
		}
	}
}

// end judges a chunk whose targets have all passed by.
func (c *contentCheck) end(k keptChunk) error {
	hasher, err := c.hasherOf(k)
	if err != nil {
		return err
	}
	if err := c.count("chunks"); err != nil {
		return err
	}
	switch {
	case k.hash == nil && k.hashed:
		c.differ("chunk %s has lost the hash that its import made", k.Chunk.Chunk)
	case k.hash == nil:
		c.gaps[gapNoHash] = append(c.gaps[gapNoHash], k.EventID)
		return c.count("unhashed")
	case !k.hashed:
		c.differ("chunk %s has a hash, and its import says that it made none", k.Chunk.Chunk)
	case hasher == nil: // which was said of the event
	case hasher.Sum() != k.Hash:
		c.differ("chunk %s: its targets are not those that were imported, their hash is another", k.Chunk.Chunk)
	default:
		return c.count("hashed")
	}
	return nil
}

// hasherOf returns the hasher of the chunk's event; nil for a chunk without a hash, and where the key does not open, which
// is noted the first time.
func (c *contentCheck) hasherOf(k keptChunk) (*content.Hasher, error) {
	if k.hash == nil {
		return nil, nil //nolint:nilnil // nil is "nothing to hash"
	}
	if hasher, known := c.hasher[k.EventID]; known {
		return hasher, nil
	}
	c.hasher[k.EventID] = nil
	kept, there := c.kept[k.EventID]
	if !there {
		c.differ("event %d: the key of its hashes is gone", k.EventID)
		return nil, nil //nolint:nilnil // as above
	}
	key, err := c.store.Open(k.EventID, kept)
	if seal.IsBare(kept) && c.store.Master != nil {
		err = keys.ErrBare // who has a master key wants more than hashes that the database's writers can make
	}
	switch {
	case errors.Is(err, keys.ErrNoMaster):
		c.gaps[gapNoMaster] = append(c.gaps[gapNoMaster], k.EventID)
	case errors.Is(err, keys.ErrBare):
		c.gaps[gapBare] = append(c.gaps[gapBare], k.EventID)
	case err != nil:
		c.differ("event %d: the key of its hashes does not open by this master key", k.EventID)
	default:
		c.hasher[k.EventID] = content.NewHasher(key.NewHMAC())
		if seal.IsBare(kept) {
			return c.hasher[k.EventID], c.count("bare")
		}
	}
	return c.hasher[k.EventID], nil
}

// keptRoot is what the start of an event has kept; nil where it has kept nothing.
type keptRoot struct {
	eventID    int64
	root       []byte
	definition string
	at         time.Time
}

// compareRoots makes the root of each event that was started, and compares it with what the start has kept.
func (c *contentCheck) compareRoots(ctx context.Context, tx pgx.Tx, event *int64) error {
	roots, err := readRoots(ctx, tx, event)
	if err != nil {
		return err
	}
	events, err := readEvents(ctx, tx, event)
	if err != nil {
		return err
	}
	chunks, hashed := c.byRoot()
	for _, e := range events {
		if _, keyed := c.kept[e.ID]; keyed && !hashed[e.ID] {
			c.differ("event %d has a key for hashes, and no chunk has a hash", e.ID)
		}
		began := e.Status != domain.Pending || e.Summary.StartedAt != nil
		kept, there := roots[e.ID]
		switch {
		case there && !began:
			c.differ("event %d is PENDING, and was started", e.ID)
		case there:
			err = errors.Join(err, c.compareRoot(e, chunks[e.ID], kept))
		case began:
			c.rootless(e.ID, hashed[e.ID])
		}
	}
	return err
}

// rootless notes an event that was started, and whose start has kept nothing.
func (c *contentCheck) rootless(eventID int64, hashed bool) {
	if hashed {
		c.differ("event %d: its import made hashes, but its start has kept no root: it was deleted, or an older version started the event", eventID)
		return
	}
	c.gaps[gapNoRoot] = append(c.gaps[gapNoRoot], eventID)
}

func (c *contentCheck) compareRoot(e domain.Event, chunks []content.Chunk, kept keptRoot) error {
	why := rootDiffers(e, chunks, kept.root, kept.definition)
	switch {
	case why != "":
		c.differ("event %d: %s", e.ID, why)
	case e.Summary.StartedAt == nil || !e.Summary.StartedAt.Equal(kept.at):
		c.differ("event %d: it was not started at the moment that its start has kept", e.ID)
	default:
		return c.count("roots")
	}
	return nil
}

func readEvents(ctx context.Context, tx pgx.Tx, event *int64) ([]domain.Event, error) {
	const query = `SELECT ` + eventColumns + ` FROM ` + eventTables + ` WHERE $1::bigint IS NULL OR e.id = $1 ORDER BY e.id`
	rows, err := tx.Query(ctx, query, event)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	events, err := pgx.CollectRows(rows, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}

func readRoots(ctx context.Context, tx pgx.Tx, event *int64) (map[int64]keptRoot, error) {
	rows, err := tx.Query(ctx, `SELECT event_id, root, definition, at FROM starts WHERE $1::bigint IS NULL OR event_id = $1`, event)
	if err != nil {
		return nil, fmt.Errorf("read roots: %w", err)
	}
	roots := map[int64]keptRoot{}
	var r keptRoot
	_, err = pgx.ForEachRow(rows, []any{&r.eventID, &r.root, &r.definition, &r.at}, func() error {
		roots[r.eventID] = r
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read roots: %w", err)
	}
	return roots, nil
}

// byRoot returns the chunks of each event in the order of the root, and the events of which any chunk is hashed.
func (c *contentCheck) byRoot() (chunks map[int64][]content.Chunk, hashed map[int64]bool) {
	chunks, hashed = map[int64][]content.Chunk{}, map[int64]bool{}
	for _, list := range c.chunks {
		for _, k := range list {
			chunks[k.EventID] = append(chunks[k.EventID], k.Chunk)
			hashed[k.EventID] = hashed[k.EventID] || k.hash != nil || k.hashed
		}
	}
	for _, list := range chunks {
		slices.SortFunc(list, func(a, b content.Chunk) int {
			return cmp.Or(cmp.Compare(a.PartitionKey, b.PartitionKey), cmp.Compare(a.First, b.First))
		})
	}
	return chunks, hashed
}
