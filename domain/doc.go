// Package domain holds the rules of a grant as values and pure functions: no SQL, no JSON, no clock, nothing but the
// standard library, so that each rule can be read, and tested, by itself.
//
// The words, which the whole product uses in the same sense:
//
//   - An [Event] is a campaign event: what is to be granted, to whom, from when on. Its [Summary] counts how it goes.
//   - A target is one member of an event; a [Chunk] is a run of targets of one event, one partition and one import,
//     which is one row of grant_chunks and one Kafka message.
//   - A [Grant] is a target as it is asked for; a try is a grant asked with the row's retry_count as its number.
//   - An [Outcome] is what the ledger made of a grant, a [Result] what the campaign remembers of it. SUCCESS and
//     PERMANENTLY_FAILED are final.
//   - A retry is what the machine does with FAILED; a redrive is what a person does with PERMANENTLY_FAILED.
//   - An attempt is a claim of a chunk that has not come back; it says nothing about a member.
//   - A lane is all events that are reserved for the same second: one of them runs at a time.
//
// Who writes what: event_status is app's lifecycle, publish_status and published_count are outbox's, results and the
// other counts are app's grants, the ledger is money's. Nobody writes another's column.
package domain
