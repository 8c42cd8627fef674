// Package outbox carries chunks of targets from a row in PostgreSQL to Kafka, and hands each message that comes back to
// one [Handler]. It is the only writer of Kafka and of river_job, of publish_status and of published_count. It decides
// nothing about grants.
//
// The road of a chunk:
//
//	import (T1)      targets + grant_chunks + relay job, state pending                    one transaction
//	start (T2)       event RUNNING, jobs available                                        one transaction
//	relay (T3)       read the chunk's targets → publish, wait for all in-sync replicas
//	                 → job completed, targets PUBLISHED, published_count                  one transaction
//	router           message → decode → handler (T4–T7) → ack
//
// What no handler can use is parked with its bytes. A person may have it published again: a replay job, worked by the
// relays too, since nothing else writes to Kafka.
//
// Killed here → this happens:
//
//	before the relay job's transaction   the job is rescued within 90 s and the chunk is published again; whoever was
//	                                     granted already is not admitted again, or gets the stored answer
//	between Kafka's ack and the mark     the same: a message may exist twice, a grant may not
//	in the handler                       the offset was not committed: the message comes again
//
// Nothing in this package may be read as "sent, so done": any job and any message may exist twice.
package outbox
