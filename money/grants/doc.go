// Package grants is the road of a batch of grants: points and vouchers, each idempotency key once. A save of a member
// goes the same road.
//
// Start with grant.go. points.go and vouchers.go are the two books that a batch may be written to, look.go is the slow
// way, lookup.go says what stands under keys.
//
// # A grant
//
// A batch is one transaction: all that can be granted is granted, or nothing is. A movement's own row is its
// idempotency record, so there is nothing else to keep in step. Each item gets an [money.Answer]: granted now, replayed
// (its key stands in the ledger with the same member, amount and operation), a conflict (its key stands there with
// others), or refused. A refusal or a failure never burns a key. Points and vouchers are separate books with separate
// keys.
//
// The fast way writes without looking: nearly every batch is new. When a key is taken, PostgreSQL says so, nothing is
// kept, and the batch goes the slow way, which looks first.
package grants
