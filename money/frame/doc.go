// Package frame has what the transactions of the ledger share: they begin anew where another one was quicker, and they
// end before their deadline (frame.go). cancels.go is the road of many cancels at once, of saves or of vouchers.
//
// # The order of locks
//
// A transaction takes its locks in this order, and each kind in the order of its keys, so that no two wait for each
// other in a circle (locks.go):
//
//  1. the accounts of members ([LockAccounts])
//  2. the keys of vouchers ([LockVoucherKeys])
//  3. the rows of vouchers
//  4. rows that it writes, in the order of their idempotency keys
//
// The expiry of lots takes no account: it passes over a lot that another transaction holds, and who it was quicker than
// begins anew ([Anew]).
package frame
