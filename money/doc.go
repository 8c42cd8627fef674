// Package money has the words of a ledger: what it is asked, what it answers, and its rules on what can never be. A
// ledger moves the points of members and issues vouchers, each idempotency key once, for ever. It does not know why it
// is asked.
//
// Start with item.go (a grant) and movement.go (what a movement is). check.go says what is refused, refusal.go with
// which code. This package does no I/O; these rooms do:
//
//   - moneydb puts a ledger together, whose tables are the schema money of a PostgreSQL database
//   - grants: the road of a batch of grants, and what stands under keys
//   - points: what becomes of points that were saved (use, cancel, expiry, debt), and the history of a member
//   - vouchers: the keys under which vouchers are sealed, and what becomes of them
//   - policies: the accrual policies, and what they say of a save
//   - frame: how a transaction of the ledger begins anew and ends before its deadline, and the order of its locks
//   - moneyhttp serves a ledger, moneyclient asks one, breaker leaves alone one that is away
//   - conformance tries a ledger that may be of another team
//
// # Time
//
// The database's clock decides: what has expired, which day it is (in the configured time zone), and whether the
// deadline is over. Nothing is committed after its deadline, even if this process sleeps between its last statement and
// COMMIT. A key that stands is replayed however late: ErrDeadline says that it stands for nothing.
//
// # Never
//
// Never UPDATE or DELETE a movement: a correction is another movement; triggers refuse it. Never order by created_at:
// ids rise with time for each member. Never write remaining >= 0 in a condition: the indexes know > 0 and = 0. Never
// log, print or marshal a voucher's code or PIN, nor store one but sealed. Never prune a key. Never ask the network
// while a transaction is open. No room imports anything of the house but money, the rooms below it, and the leaves of
// internal.
package money
