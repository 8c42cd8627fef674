// Package content says what an event grants, in hashes under the event's key: one for each chunk, made by the import
// from the rows that it writes; the seal of each import, over its chunks; one over the seals of an event's imports; and
// the root, over the event's definition, its start and its chunks, kept by the start. A grant is asked for only if the
// rows of its chunk still have the chunk's hash, and an event starts only with the imports and chunks that were sealed.
//
// The formats are for ever: hashes that were kept must stay comparable, so golden files hold them. What is added to the
// definition is a new version of it.
//
// What it must never do: read or write a database. The keys stand in internal/keys.
package content
