// Command load lets many programs use the API at the same time, and shows how long they wait:
//
//	go run ./internal/harness/load -clients 200 -for 60s -members 1000
//
// It builds ./cmd/bestow, starts a PostgreSQL and a Kafka broker as processes of their own, and beside them the service
// as it is deployed: an api, a relay and a handler, each a process of the one binary. Each client is a service with a
// key of its own. Until the time is over it makes an event, imports its members as CSV and starts it, then the next
// one, without a pause. A campaign that has begun then is still started.
//
// At the end it prints the requests a second and the percentiles of the time from the sending of a request to the end
// of its answer. It fails, with a list of what was wrong, unless
//
//	every request            was answered with a success at the first try,
//	PostgreSQL               counted no deadlock,
//	every event              is COMPLETED within five minutes of the last answer,
//	bestow verify            finds every invariant true, and
//	the ledger               holds each member of each event once.
package main
