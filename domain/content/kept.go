package content

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"bestow/domain"
)

// Changed is the refusal of an event whose content is not what was imported and started. Error: domain.ContentChanged.
func Changed(what string) error {
	return domain.ContentChangedError("what would be granted is not what was imported: "+what,
		"`bestow verify EVENT` names what differs; put it back as it was, and start or resume the event again")
}

// Kept holds what the start of an event has stored.
type Kept struct {
	Start

	Root       []byte
	Definition string
}

// Keep returns what the start of e is to keep of its chunks. A list of before hashes, whose event has no key, gets a
// root without one.
func Keep(e domain.Event, start Start, chunks []Chunk, key Key) (Kept, error) {
	version := Version
	if key == nil {
		version = Keyless
	}
	definition, err := Definition(e, version)
	if err != nil {
		return Kept{}, err
	}
	kept := Kept{Start: start, Definition: string(definition)}
	root := kept.rootOf(version, definition, chunks, key)
	kept.Root = root[:]
	return kept, nil
}

// Version returns the version of the definition, 0 for one that cannot be read.
func (k Kept) Version() int {
	var d struct {
		Version int `json:"v"`
	}
	if json.Unmarshal([]byte(k.Definition), &d) != nil {
		return 0
	}
	return d.Version
}

// rootOf returns the root of a definition by the rule of its version.
func (k Kept) rootOf(version int, definition []byte, chunks []Chunk, key Key) Hash {
	if version == Keyless {
		return Root(definition, chunks)
	}
	return KeyedRoot(key, definition, k.Start, chunks)
}

// Differs returns what is not as the start saw it, "" if all is. Without a key only the definition of a keyed root is
// compared.
func (k Kept) Differs(e domain.Event, chunks []Chunk, key Key) string {
	version := k.Version()
	if version == 0 {
		return "the definition that the start has kept cannot be read"
	}
	defined, err := Definition(e, version)
	if err != nil {
		return err.Error()
	}
	same := string(defined) == k.Definition
	if key == nil && version > Keyless {
		if same {
			return ""
		}
		return k.changed(defined)
	}
	root := k.rootOf(version, defined, chunks, key)
	switch {
	case !bytes.Equal(root[:], k.Root):
		return k.changed(defined)
	case !same:
		return "the definition that the start has kept is not the one of its root"
	}
	return ""
}

// changed names the fields in which today's definition is not the one that was kept; if there are none, the chunks
// differ, or what is kept of the start.
func (k Kept) changed(defined []byte) string {
	is, was := map[string]any{}, map[string]any{}
	if errors.Join(json.Unmarshal(defined, &is), json.Unmarshal([]byte(k.Definition), &was)) != nil ||
		maps.Equal(is, was) {
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
