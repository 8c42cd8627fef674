// Package domain holds the rules of a grant as values and pure functions. It uses no SQL, no JSON, no clock and nothing
// but the standard library, so each rule can be read and tested by itself.
//
// Each of these words has one meaning in code, docs, logs and tests.
//
// What is granted:
//
//   - An [Event] grants points or vouchers to the members of its lists. Its [Summary] counts how it goes.
//   - A target is one member of an event, with the amount that the member is to get.
//   - A [Chunk] is a row of consecutive targets of one event, one partition and one import. It is one row of
//     grant_chunks and one Kafka message.
//   - A [Run] is some consecutive chunks of one partition that one relay job publishes.
//   - A [Grant] is the request to the ledger for one target. A try is a grant with the row's retry_count as its number.
//   - An [Outcome] is the ledger's answer to a grant. A [Result] is the row that keeps it. SUCCESS and
//     PERMANENTLY_FAILED are final. A member with PERMANENTLY_FAILED is given up.
//   - A lane is all events that are reserved for the same second. One of them runs at a time.
//   - A [Brake] holds all events, or all of one type: none starts, none resumes, and nothing of one is claimed.
//
// How a chunk is worked:
//
//   - A relay job publishes a run to Kafka and marks its targets PUBLISHED.
//   - A claim is a handler's right to ask the ledger for the grants of a chunk. It has a lease. A claim whose lease has
//     ended without a result has lapsed: the ledger is asked what it granted.
//   - To settle is to write the outcomes into the results and to count them.
//   - An attempt of a chunk is a claim that was not settled. Attempts are counted in a row, and say nothing about a
//     member. An attempt of a job is River's.
//   - The gate is an event's advisory lock: exclusive to change the event's status, shared to claim or mark a chunk.
//
// What happens more than once:
//
//   - retry: the machine tries a grant with FAILED again, after a wait, with the next try. (The command `bestow retry`
//     asks for a redrive.)
//   - redrive: a person has given-up grants tried again.
//   - republish: a relay job publishes a chunk again, since its outcome is unknown or its message was lost. The wire
//     name of its mode is "again".
//   - redeliver: Kafka delivers the same message again, since its offset was not committed.
//   - requeue: a resume gives each chunk that is not settled a relay job.
//   - resume: a stopped or failed event goes on.
//   - park: a message that no handler can use is put aside, with its bytes, in parked_messages.
//   - replay: a parked message is published again. In the API and in the ledger, an answer is a replay if it repeats
//     the stored one of the same idempotency key.
//
// What looks for loss:
//
//   - The sweep gives chunks that were never published, and that no job would publish, a relay job.
//   - The reconcile republishes chunks that Kafka lost. A moment is the end of every partition of a topic at one time;
//     a chunk is lost if it was published before a moment that the consumer group has passed, and is not settled.
//   - verify compares lists, messages, results and ledger, and changes nothing.
//
// Each type has two topics: grants.point carries first publications and what is republished; grants.point.dlt, the
// dead-letter topic, carries retries and redrives. Messages that no handler can use are in neither: they are parked.
//
// Each column has one writer while events run: app writes event_status, outbox writes publish_status and
// published_count, app's grants write the results and the other counts, and money writes the ledger. A redrive marks
// the results that it wants tried again, and verify's repair writes counts anew.
package domain
