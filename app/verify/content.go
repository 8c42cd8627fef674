package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/keys"
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
	lists  map[int64]content.List    // by event
	keys   map[int64]*seal.Key       // of the events that were asked for; nil for one whose key does not open
	hasher map[int64]*content.Hasher // of the events whose key opens
	gaps   map[string][]int64        // events that are not compared, by reason
}

// keptChunk is a chunk as its row has it, with what its import says.
type keptChunk struct {
	content.ListChunk

	hashed bool    // the import has made a hash
	says   amounts // of all its targets
}

// amounts are those of an import's targets.
type amounts struct{ sum, most int64 }

func (a amounts) plus(amount int64) amounts { return amounts{a.sum + amount, max(a.most, amount)} }

// Reasons for which content is not compared.
const (
	gapNoHash   = "targets not hashed: the list was imported by an older version"
	gapNoMaster = "hashes not compared: no master key: set BESTOW_MASTER_KEY (or BESTOW_MASTER_KEY_FILE) for " +
		"this command"
	gapBare = "hashes prove nothing: the list was imported without a master key, " +
		"so the key of its hash lies in the same database"
	gapNoRoot  = "root not compared: an older version started the event"
	gapKeyless = "root has no key: an older version started the event, " +
		"and a person who can write to the database can make its root anew"
	gapNoSeal = "chunks not sealed: an older version imported the list, " +
		"so a chunk that was taken away everywhere is not seen before the start"
)

// compareContent hashes every target anew, as it streams by, sums the targets of each import, and makes the root of
// every event that was started.
func compareContent(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	c := contentCheck{
		finding: f, store: v.keys, kept: map[int64][]byte{}, chunks: map[string][]keptChunk{},
		lists: map[int64]content.List{}, keys: map[int64]*seal.Key{}, hasher: map[int64]*content.Hasher{},
		gaps: map[string][]int64{},
	}
	for _, name := range []string{"chunks", "hashed", "unhashed", "bare", "imports", "roots"} {
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
	if err := c.readImports(ctx, tx, v.event); err != nil {
		return err
	}
	if err := c.compareEvents(ctx, tx, v.event); err != nil {
		return err
	}
	for _, t := range v.tables {
		if err := c.compareTargets(ctx, tx, t.EventType, v.event); err != nil {
			return err
		}
	}
	for _, why := range []string{gapNoHash, gapNoSeal, gapNoMaster, gapBare, gapKeyless, gapNoRoot} {
		if events := c.gaps[why]; len(events) > 0 {
			slices.Sort(events)
			f.gaps = append(f.gaps, gapOf(why, slices.Compact(events)))
		}
	}
	return nil
}

func (c *contentCheck) count(measure string) error { return c.measures.add(measure, int64(1)) }

// compareTargets hashes the targets of a type in the order of their ids, beside their chunks.
func (c *contentCheck) compareTargets(ctx context.Context, tx pgx.Tx, t domain.EventType, event *int64) error {
	rows, err := tx.Query(ctx, `SELECT event_id, id, partition_key, amount, member_id, reason FROM `+
		inPublic(t.TargetTable())+`
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
		w.found[k.ImportID] = w.found[k.ImportID].plus(amount)
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
		if compared[k.ImportID] {
			continue
		}
		compared[k.ImportID] = true
		is := found[k.ImportID]
		if is.sum != k.says.sum {
			c.differ("event %d: import %d says that its targets sum to %d, they sum to %d", k.EventID, k.ImportID,
				k.says.sum, is.sum)
		}
		// the version that hashes says it, an older one may not
		if is.most != k.says.most && (k.says.most != 0 || k.hashed) {
			c.differ("event %d: import %d says that its largest amount is %d, it is %d", k.EventID, k.ImportID,
				k.says.most, is.most)
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
	case k.Kept == nil && k.hashed:
		c.differ("chunk %s has lost the hash that its import made", k.Chunk.Chunk)
	case k.Kept == nil:
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

// hasherOf returns the hasher of the chunk's event; nil for a chunk without a hash, and where the key does not open.
func (c *contentCheck) hasherOf(k keptChunk) (*content.Hasher, error) {
	if k.Kept == nil {
		return nil, nil //nolint:nilnil // nil is "nothing to hash"
	}
	if hasher, known := c.hasher[k.EventID]; known {
		return hasher, nil
	}
	key, err := c.keyOf(k.EventID)
	if key == nil || err != nil {
		return nil, err
	}
	c.hasher[k.EventID] = content.NewHasher(key.NewHMAC())
	return c.hasher[k.EventID], nil
}

// keyOf returns the key of an event's hashes; nil where it does not open, which is noted the first time.
func (c *contentCheck) keyOf(eventID int64) (*seal.Key, error) {
	if key, known := c.keys[eventID]; known {
		return key, nil
	}
	c.keys[eventID] = nil
	kept, there := c.kept[eventID]
	if !there {
		c.differ("event %d: the key of its hashes is gone", eventID)
		return nil, nil //nolint:nilnil // nil is "does not open"
	}
	key, err := c.store.Open(eventID, kept)
	if seal.IsBare(kept) && c.store.Master != nil {
		err = keys.ErrBare // who has a master key wants more than hashes that the database's writers can make
	}
	switch {
	case errors.Is(err, keys.ErrNoMaster):
		c.gaps[gapNoMaster] = append(c.gaps[gapNoMaster], eventID)
	case errors.Is(err, keys.ErrBare):
		c.gaps[gapBare] = append(c.gaps[gapBare], eventID)
	case err != nil:
		c.differ("event %d: the key of its hashes does not open by this master key", eventID)
	default:
		c.keys[eventID] = key
		if seal.IsBare(kept) {
			return key, c.count("bare")
		}
	}
	return c.keys[eventID], nil
}
