// Package outbox carries chunks of targets from a row in PostgreSQL to Kafka, and hands each message that comes back to
// one [Handler]. It is the only writer of Kafka, of relay and replay jobs, of publish_status and of published_count. It
// decides nothing about grants.
//
// The road of a chunk:
//
//	import (T1)      targets + grant_chunks + relay job, state pending                    one transaction
//	start (T2)       event RUNNING, jobs available                                        one transaction
//	relay (T3)       read the chunk's targets → publish, wait for all in-sync replicas
//	                 → job completed, targets PUBLISHED, published_count                  one transaction
//	router           message → decode → handler (T4–T7) → ack
//
// Start with relay.go, whose mark is the fence of a relay job, and router.go. enqueue.go and requeue.go make the jobs,
// sweep.go and reconcile.go those that are missing. message.go is the wire format; kafka.go, topics.go and consumers.go
// are the way to the brokers, and refusal.go says why they take nothing. What cannot be used goes through park.go and
// parked.go. installation.go keeps two installations that share brokers apart.
//
// A message that no handler can use is parked with its bytes. A person may have it replayed. The relays work replay
// jobs too, since nothing else writes to Kafka.
//
// If a process is killed:
//
//	before the relay job's transaction   the job is rescued within 90 s and the chunk is republished; a member that was
//	                                     granted already is not admitted again, or gets the stored answer
//	between Kafka's ack and the mark     the same: a message may exist twice, a grant may not
//	in the handler                       the offset was not committed: the message comes again
//
// A message that was sent is not yet a grant that was made: any job and any message may exist twice.
package outbox
