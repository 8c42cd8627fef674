// Package app holds the use cases: what an operator may do with an event, and what the machine does with a message.
//
// An exported method is one transaction, or a documented sequence of them; an unexported function takes the pgx.Tx right
// after its context, so that composing is calling another function. SQL stands in the *_sql.go file beside its use case.
//
// Start with grants.go: it is the road of a grant, from a message to a settled result. Then import.go (how members come in;
// package memberlist reads the list) and lifecycle.go (how an event moves).
//
// # The gate
//
// Each event has an advisory lock. Whoever changes the event's status takes it exclusively, whoever claims or marks a
// chunk takes it shared; it is the first statement of its transaction, and the status is read in the next one.
//
// # Lock order
//
// gate → campaign_events → targets → results → grant_chunks → river_job → summary, which is the last statement, because
// every chunk of an event updates the same row. Rows are locked in key order.
//
// # Never
//
// No Kafka, HTTP or ledger call inside a transaction. No FOR UPDATE on campaign_events outside the gate. No decision on a
// CTE's view of a row that another statement may have changed.
package app
