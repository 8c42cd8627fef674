// Package app holds the use cases: what an operator may do with an event, and what the machine does with a message. The
// life of an event stands here: create, edit, start, stop, resume, retry, brake. What else belongs to it has a room of
// its own:
//
//	command     runs what a person asks for, once for an idempotency key
//	memberlist  reads a member list: bytes in, checked rows out
//	imports     takes a list into an event (T1)
//	grants      turns a message into results: claim, grant, settle, close (T4 to T7)
//	reports     says how events go, and what they stand still for
//	verify      proves that nothing is granted twice or forgotten; it shares no SQL and no package of app
//	eventrow    reads an event with its type and summary, and moves its status
//	obstacle    says what keeps an event from starting or going on
//	processes   lists the processes that run, and what they say of themselves
//	listkey     keeps the key under which an event's list is hashed
//	pins        keeps the keys of voucher PINs
//
// Start with New, the table of contents, and with lifecycle.go, how an event moves. The road of a grant is package
// grants.
//
// An exported method is one transaction, or a documented sequence of them; an unexported function takes the pgx.Tx
// right after its context, so that composing is calling another function. Only app.go knows imports, grants, reports
// and verify, which it wires, and pins, which keeps keys for two of them; those four do not know each other. T1 to T9
// are the transactions of docs/lifecycle.md.
//
// # The gate
//
// Each event has an advisory lock. What changes the event's status takes it exclusively, what claims or marks a chunk
// takes it shared, and the status is read in the next statement.
//
// # Lock order
//
// idempotency key → moves (a brake waits for it) → the event's import → the upload that it imports → gate → claims (a
// brake waits for it) → campaign_events → targets → results → grant_chunks → river_job → summary, which is the last
// statement, because every chunk of an event updates the same row → the end of the event's import. Rows are locked in
// key order. What holds the gate alone may write campaign_events after other rows, as a fault and a deletion do: no
// other transaction writes it meanwhile. An import takes the gate after it has written targets, chunks and jobs, which
// no other transaction sees yet. A partition that is attached takes its type's default partition for itself and then
// keeps others from writing campaign_events, so a resume locks the default partition before it writes the event.
//
// # Never
//
// No Kafka, HTTP or ledger call inside a transaction. No FOR UPDATE on campaign_events outside the gate. No decision on
// a CTE's view of a row that another statement may have changed.
package app
