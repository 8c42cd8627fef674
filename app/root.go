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
	"bestow/internal/english"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
)

// contentChanged is what stops an event whose content is not what was imported and started.
func contentChanged(what string) error {
	return &domain.Error{Code: domain.ContentChanged, Message: "what would be granted is not what was imported: " + what,
		Hint: "`bestow verify EVENT` names what differs; put it back as it was, and start or resume the event again"}
}

// keepRoot keeps what the start of e sees, for ever. Errors: domain.ContentChanged, MissingKeys.
func (s *Events) keepRoot(ctx context.Context, tx pgx.Tx, e domain.Event, start content.Start) error {
	list, key, err := s.checkedList(ctx, tx, e)
	if err != nil {
		return err
	}
	version := content.Version
	if key == nil { // a list of before hashes, whose event has no key
		version = content.Keyless
	}
	definition, err := content.Definition(e, version)
	if err != nil {
		return err
	}
	kept := keptStart{Start: start, definition: string(definition)}
	root := kept.rootOf(version, definition, list.forRoot(), key)
	const insert = `INSERT INTO starts (event_id, at, by, root, definition) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (event_id) DO NOTHING`
	tag, err := tx.Exec(ctx, insert, e.ID, start.At, start.By, root[:], kept.definition)
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
	list, key, err := s.checkedList(ctx, tx, e)
	if err != nil {
		return err
	}
	var kept keptStart
	const query = `SELECT at, by, root, definition FROM starts WHERE event_id = $1`
	err = tx.QueryRow(ctx, query, e.ID).Scan(&kept.At, &kept.By, &kept.root, &kept.definition)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read root: %w", err)
	}
	if key == nil && kept.version() > content.Keyless {
		return contentChanged("the hashes that the start saw are gone, with their key")
	}
	if why := kept.differs(e, list.forRoot(), key); why != "" {
		return contentChanged(why)
	}
	return nil
}

// keptStart is what the start of an event has kept.
type keptStart struct {
	content.Start

	root       []byte
	definition string
}

// version returns the version of the definition, 0 for one that cannot be read.
func (k keptStart) version() int {
	var d struct {
		Version int `json:"v"`
	}
	if json.Unmarshal([]byte(k.definition), &d) != nil {
		return 0
	}
	return d.Version
}

// rootOf returns the root of a definition by the rule of its version.
func (k keptStart) rootOf(version int, definition []byte, chunks []content.Chunk, key *seal.Key) content.Hash {
	if version == content.Keyless {
		return content.Root(definition, chunks)
	}
	return content.KeyedRoot(key, definition, k.Start, chunks)
}

// differs returns what is not as the start saw it, "" if all is. Without a key only the definition of a keyed root is compared.
func (k keptStart) differs(e domain.Event, chunks []content.Chunk, key *seal.Key) string {
	version := k.version()
	if version == 0 {
		return "the definition that the start has kept cannot be read"
	}
	defined, err := content.Definition(e, version)
	if err != nil {
		return err.Error()
	}
	same := string(defined) == k.definition
	if key == nil && version > content.Keyless {
		if same {
			return ""
		}
		return k.changed(defined)
	}
	root := k.rootOf(version, defined, chunks, key)
	switch {
	case !bytes.Equal(root[:], k.root):
		return k.changed(defined)
	case !same:
		return "the definition that the start has kept is not the one of its root"
	}
	return ""
}

// changed names the fields in which today's definition is not the one that was kept; if there are none, the chunks differ,
// or what is kept of the start.
func (k keptStart) changed(defined []byte) string {
	is, was := map[string]any{}, map[string]any{}
	if errors.Join(json.Unmarshal(defined, &is), json.Unmarshal([]byte(k.definition), &was)) != nil || maps.Equal(is, was) {
		return "chunks were added, taken away or changed since the start, or what is kept of the start was changed"
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

// checkedList reads what the event's imports have left, and the key of its hashes, nil for a list of before hashes. It
// refuses chunks that are not the event's total, a hash that was taken away, imports and chunks that are not those that were
// sealed, and a key that cannot be opened. Errors: domain.ContentChanged, MissingKeys.
func (s *Events) checkedList(ctx context.Context, tx pgx.Tx, e domain.Event) (l importedList, key *seal.Key, err error) {
	if l, err = selectList(ctx, tx, e.ID); err != nil {
		return l, nil, err
	}
	if total := l.total(); total != e.TotalCount {
		return l, nil, contentChanged(fmt.Sprintf("the chunks have %s, the event %s", english.Count(total, "target"), english.Number(e.TotalCount)))
	}
	if c := l.lost(); c != nil {
		return l, nil, contentChanged("chunk " + c.String() + " has lost its hash")
	}
	if !l.hashed() && !l.sealed() {
		return l, nil, nil
	}
	if key, err = s.keptContentKey(ctx, tx, e.ID); err != nil {
		return l, nil, err
	}
	if why := l.differs(key); why != "" {
		return l, nil, contentChanged(why)
	}
	return l, key, nil
}
