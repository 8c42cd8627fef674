// Command chaos breaks bestow while it grants, and proves again and again that no member was granted twice or
// forgotten, and that the numbers are right:
//
//	go run ./internal/harness/chaos -seed 7 -cycles 100
//
// It builds ./cmd/bestow with its failpoints and starts it as it is deployed, each a process of its own: PostgreSQL, a
// Kafka broker, one api, two relays, a handler with the ledger inside, another that asks the ledger's own process over
// HTTP, that process, and two that work the timetable. Between them and their servers stand proxies. Operators make
// events over HTTP all the time: points and vouchers, alone and in lanes, stopped and resumed, and asked again for whom
// the ledger gave up.
//
// A cycle is one fault under that load, until the process that it hit says again that it is ready: a SIGKILL, one at a
// named place of the code, one of everybody, of PostgreSQL, of the broker; a SIGSTOP, short or past the moment at which
// River gives the job to another; an orderly restart; connections that are cut, slow or silent; swallowed answers to
// COMMIT; a ledger that is killed, cut off, slow, silent, or applies and says that it failed; whole topics again;
// rubbish in them.
//
// After every fiftieth cycle the operators finish what they have begun, without another fault. Then every event must be
// complete, `bestow verify` clean, and the lists that were uploaded, which are kept here and nowhere else, must be what
// the ledger has saved and those who were given up: each member once, with its amount, its status and its number of
// refusals. No message but our rubbish may be parked, none of our jobs discarded, no deadlock, and no chunk asked for
// again because it seemed lost in Kafka, since nothing is lost here.
//
// One seed decides what the operators do and which faults come in which order; what the machine does in that moment it
// does not, so the same seed is the same plan but not the same run.
//
// With -soak 30m faults come at a steady rate for that long instead of a number of cycles, one relay and one handler
// are spared, and at the end memory, goroutines, connections, dead rows and open jobs must be what they were after the
// first third.
//
// What it must never do: help. It touches no row and repairs nothing; a process that ends without having been killed
// fails the run.
package main
