// Command kill kills bestow while it grants, again and again, and proves after each time that every member was granted
// exactly once:
//
//	go run ./internal/harness/kill -times 20
//
// It builds ./cmd/bestow, starts a PostgreSQL and a Kafka broker as processes of their own, and beside them the service
// as it is deployed: one api, two relays, two handlers, each a process of the one binary, spoken to over HTTP only.
//
// A round makes an event, imports its members, starts it, and waits until a part of it is done. Then a victim gets a
// SIGKILL: a relay, a handler, all five at once, or PostgreSQL's postmaster. A moment later the victim is started
// again, with nothing changed and nothing repaired, and from there the event has 90 seconds until it is COMPLETED. Then
//
//	bestow verify EVENT    must find every invariant true, and
//	the ledger             must hold the list that was generated here: each member once, with the list's amount.
//
// Who is killed when follows from the seed, which is printed; what the machine does in that moment does not, so the
// same seed is the same plan but not the same run. A round in which the event was over before the kill, or the victim
// had nothing in hand that anybody had to do again, does not count and is played anew.
//
// With -stops N it stops and resumes running events at N random moments instead, a kill in every twenty-fifth. Once a
// stop was answered with 200 the event's rows in the ledger must not grow before it is resumed, and each event must end
// exact.
//
// With -brakes N it engages the brake of all events at N random moments instead, while the events of a lane run and
// wait, a kill in every twenty-fifth. Once the brake was answered with 200 no event's rows in the ledger may grow
// before it is released; then what was due starts, what was stopped is resumed, and each event must end exact.
//
// What it must never do: help. It touches no row, ends no claim and restarts only the victim; a process that ends
// without having been killed fails the run.
//
// The embedded broker is never killed, as it stands for a cluster that survives a machine; what it does when killed is
// a test of embedkafka. With -kafka 1 or 3 the real Apache Kafka is there instead (Java and mvn are needed), and of
// three brokers the leader of a partition is one more victim. With -brokerkills N it is the only one: N leaders are
// killed, one after another, while one event runs, and each time the cluster has all its replicas again before the
// next.
//
//	go run ./internal/harness/kill -kafka 3 -brokerkills 10 -members 500000
//
// However this program is killed: on Linux everything that it started dies with it.
package main
