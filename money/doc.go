// Package money is the ledger: a service of its own, with tables of its own (schema money), that moves the points of
// members and issues vouchers, each idempotency key once, for ever. It does not know why it is asked.
//
// Start with grant.go: the road of a batch. points.go and vouchers.go are the two books it may be written to, check.go
// says what is refused, vault.go keeps the keys under which vouchers are sealed. The other movements of points have a file
// each: use.go, cancel_use.go, cancel_save.go, debt.go, expire.go; account.go is the frame that they share, write.go the
// statement with which they write, cancel_batch.go the road of many cancels at once, of saves or of vouchers. history.go
// reads.
//
// # Points
//
// A save is a movement and its lot: a row of point_lot, written once, that carries what is left of it. What is drawn from
// a lot, or given back to it, is a row of point_draw, which nothing changes; remaining is the sum of both. Five movements
// are written: save, use, use-cancel, save-cancel, expire. All but the save lock the member's account first, read the key
// and the lots after, and change a lot only if it has what was read: the expiry job takes no account, and a movement that
// it overtook begins anew. A save locks nothing, unless its policy limits what a member may hold.
//
// A use takes the oldest lot first (or the one that expires first, as configured). A use-cancel gives back to the lots
// that the use took from, the last one first. Of what comes back to a lot:
//
//   - what a save-cancel could not take, since it was spent, it takes now (a claim);
//   - the rest of what comes back to an expired lot expires again, and is saved anew, one save for each lot, so that the
//     save from which its points come stays known. A save-cancel takes from there too.
//
// So what a clawback took does not come back by a cancelled order, and no order launders it. A save-cancel with debt makes
// the member owe what was spent; point_account.owed stands beside the history, and lots pay it before the next use.
//
// # Vouchers
//
// A voucher is a row that nothing changes; what became of it is its last row of voucher_events (cancel_vouchers.go,
// voucher_state.go). A cancel locks the voucher's row first, and reads after. Its keys are one space with those of the
// grants of vouchers: a campaign's begin with grant:, which no cancel may use, and a grant under any other key looks
// first. Two that come in the same instant under one key, a grant and a cancel, may both be applied.
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
// deadline is over. Nothing is committed after its deadline, even if this process sleeps between its last statement and
// COMMIT. A key that stands is replayed however late: ErrDeadline says that it stands for nothing.
//
// # Never
//
// Never UPDATE or DELETE a movement: a correction is another movement; triggers refuse it. Never order by created_at: ids
// rise with time for each member. Never write remaining >= 0 in a condition: the indexes know > 0 and = 0. Never log,
// print or marshal a voucher's code or PIN, nor store one but sealed. Never prune a key. Never ask the network while a
// transaction is open. Never import anything of the house but internal/pg, failpoint, seal and obs.
package money
