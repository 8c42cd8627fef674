package grants

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
)

// maxCachedKeys bounds the keys that a process remembers.
const maxCachedKeys = 256

// keyCache remembers the keys of the events that a process grants, which never change. Only keys that were read go in:
// the transaction that makes one may be rolled back.
type keyCache struct {
	mu   sync.Mutex
	keys map[int64]*seal.Key
}

func (c *keyCache) get(eventID int64) *seal.Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys[eventID]
}

// put remembers a key, and forgets any other where there are too many.
func (c *keyCache) put(eventID int64, key *seal.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = map[int64]*seal.Key{}
	}
	for id := range c.keys {
		if len(c.keys) < maxCachedKeys {
			break
		}
		delete(c.keys, id)
	}
	c.keys[eventID] = key
}

// hasher returns what hashes the chunk's targets; nil for one of a list that was imported before there were hashes.
func (s *Grants) hasher(ctx context.Context, tx pgx.Tx, c domain.Chunk, state chunkState) (*content.Hasher, error) {
	if state.contentHash == nil {
		return nil, checkNeverHashed(ctx, tx, c)
	}
	key := s.cache.get(c.EventID)
	if key == nil {
		var err error
		if key, err = s.keys.Key(ctx, tx, c.EventID); err != nil {
			return nil, err
		}
		s.cache.put(c.EventID, key)
	}
	return content.NewHasher(key.NewHMAC()), nil
}

// checkNeverHashed refuses a chunk whose hash was taken away. Error: domain.ContentChanged.
func checkNeverHashed(ctx context.Context, tx pgx.Tx, c domain.Chunk) error {
	var hashed bool
	const query = `SELECT i.hashed FROM grant_chunks c JOIN imports i ON i.id = c.import_id
		WHERE c.event_id = $1 AND c.partition_key = $2 AND c.first_id = $3`
	if err := tx.QueryRow(ctx, query, c.EventID, c.PartitionKey, c.First).Scan(&hashed); err != nil {
		return fmt.Errorf("read import of chunk %s: %w", c, err)
	}
	if hashed {
		return content.Changed("chunk " + c.String() + " has lost its hash")
	}
	return nil
}

// checkedTargets reads the chunk's targets by id. Errors: domain.ContentChanged if they are not what was imported, and
// MissingKeys if that cannot be seen.
func (s *Grants) checkedTargets(ctx context.Context, tx pgx.Tx, e domain.Event, c domain.Chunk,
	state chunkState,
) (map[int64]target, error) {
	hasher, hashErr := s.hasher(ctx, tx, c, state)
	if hashErr != nil && !isContentError(hashErr) {
		return nil, hashErr
	}
	targets, err := selectTargets(ctx, tx, e, c, hasher)
	if err != nil {
		return nil, err
	}
	if hasher != nil && hasher.Sum() != content.Hash(state.contentHash) {
		hashErr = content.Changed("the targets of chunk " + c.String() + " have another hash")
	}
	return targets, hashErr
}

// isContentError reports whether err says that the grants differ from what was imported, or that this cannot be
// checked.
func isContentError(err error) bool {
	return domain.IsCode(err, domain.ContentChanged) ||
		domain.IsCode(err, domain.MissingKeys)
}

// faultContent makes the event FAILED if err says that its content differs, or cannot be checked: nothing of the chunk
// was claimed, and the message comes again until the event is at rest. A person puts back what was changed and resumes.
// It is a stop without a person who waits.
func (s *Grants) faultContent(ctx context.Context, c domain.Chunk, err error) error {
	refused, ok := errors.AsType[*domain.Error](err)
	if !ok || !isContentError(err) {
		return nil
	}
	return s.faultFor(ctx, c.EventID, refused.Code, refused.Message+". "+refused.Hint)
}

// refuse answers the grants of a chunk that is not what was imported, in an event that is over and so cannot become
// FAILED: redrives. None is asked for, but what an earlier claim was granted is looked up and settled.
func (s *Grants) refuse(ctx context.Context, c claim, b batch) ([]domain.Outcome, error) {
	found, err := s.granter.Lookup(ctx, b.event, b.grants)
	if err != nil {
		err = fmt.Errorf("look up chunk %s: %w", c.chunk, err)
		return nil, errors.Join(s.quiet(b.event, err), s.giveBack(context.WithoutCancel(ctx), c, uncountClaim))
	}
	outcomes := make([]domain.Outcome, len(found))
	for i, o := range found {
		outcomes[i] = domain.Outcome{Verdict: domain.RefusedForGood, Code: b.refusal.Code, Message: b.refusal.Message}
		if o != nil {
			outcomes[i] = *o
		}
	}
	return outcomes, nil
}
