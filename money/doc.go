// Package money is the ledger: a service of its own, with tables of its own (schema money), that saves points for
// members and issues vouchers, each idempotency key once, for ever. It does not know why it is asked.
//
// Start with grant.go: the road of a batch. points.go and vouchers.go are the two books it may be written to, check.go
// says what is refused, vault.go keeps the keys under which vouchers are sealed.
//
// # A grant
//
// A batch is one transaction: all that can be granted is granted, or nothing is. A movement's own row is its
// idempotency record, so there is nothing else to keep in step. Each item gets an [Answer]: granted now, replayed (its
// key stands in the ledger with the same member, amount and operation), a conflict (its key stands there with others),
// or refused. A refusal or a failure never burns a key. Points and vouchers are separate books with separate keys.
//
// The fast way writes without looking: nearly every batch is new. When a key is taken, PostgreSQL says so, nothing is
// kept, and the batch goes the slow way, which looks first.
//
// # Time
//
// The database's clock decides: what has expired, which day it is (in the configured time zone), and whether the
// deadline is over. What is not committed by its deadline never is, even if this process sleeps between its last
// statement and COMMIT.
//
// # Never
//
// Never UPDATE or DELETE a movement: a correction is another movement. Never log, print or marshal a voucher's code or
// PIN, nor store one but sealed. Never prune a key. Never ask the network while a transaction is open. Never import
// anything of the house but internal/pg, failpoint, seal and obs.
package money
