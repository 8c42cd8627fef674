// Package memberlist turns the bytes of an uploaded list into checked rows: which encoding and format they have, what
// each row says, and what a person should look at before the event starts. It knows the rules of the domain and no
// database.
//
// Start with [Open]. csv.go and ndjson.go read the formats by the records of records.go; text.go and guess.go find out
// the encoding; look.go notes what is suspicious in rows that are accepted.
package memberlist
