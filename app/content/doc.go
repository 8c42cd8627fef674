// Package content says what an event grants, in hashes: one for each chunk, under the event's key, made by the import from
// the rows that it writes; and the root, over the event's definition and its chunks, kept by the start. A grant is asked for
// only if the rows of its chunk still have the chunk's hash.
//
// The formats are for ever: hashes that were kept must stay comparable, so golden files hold them. What is added to the
// definition is a new version of it.
//
// What it must never do: read or write a database. The keys stand in app/keys.
package content
