// Package app holds the use cases: what an operator may do with an event, and what the machine does with a message. The
// life of an event stands here: create, edit, start, stop, resume, retry, brake. What else belongs to it has a room of
// its own:
//
//	command     runs what a person asks for, once for an idempotency key
//	memberlist  reads a member list: bytes in, checked rows out
//	sheet       reads a spreadsheet as a member list
//	uploads     keeps a list that comes in pieces, until it is imported
//	imports     takes a list into an event (T1)
//	checks      finds what is unusual in the lists of an event
//	grants      turns a message into results: claim, grant, settle, close (T4 to T7)
//	parked      replays messages that no handler could use
//	reports     says how events go, and what they stand still for
//	lists       reads the members of events: targets, results, the way of one member
//	gauges      says how the installation stands, in numbers for metrics
//	verify      proves that nothing is granted twice or forgotten; it shares no SQL and no package of app
//	ledger      shows the ledger of points, and changes its policies
//	types       makes, changes and retires event types
//	eventrow    reads an event with its type and summary, and moves its status
//	obstacle    says what keeps an event from starting or going on
//	processes   lists the processes that run, and what they say of themselves
//	listkey     keeps the key under which an event's list is hashed
//	pins        keeps the keys of voucher PINs, and shows a PIN
//	access      says whose a key is
//	people      lets people sign in
//	oidc        asks the company's identity provider who a person is
//	known       remembers for a moment whose a secret is
//	audit       reads the record of changes, and chains it
//	patch       says what a merge patch does with a field
//
// Start with New, the table of contents, and with lifecycle.go, how an event moves. The road of a grant is package
// grants.
//
// An exported method is one transaction, or a documented sequence of them; an unexported function takes the pgx.Tx
// right after its context, so that composing is calling another function. Only app.go, which wires them, knows imports,
// grants, reports and verify, and only pins knows two of these, for which it keeps keys; the four do not know each
// other. T1 to T9 are the transactions of docs/lifecycle.md.
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
