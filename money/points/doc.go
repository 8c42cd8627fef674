// Package points keeps the points of members as they lie in lots: it uses them, undoes what was saved or used, and lets
// them expire. What saves them is the package grants.
//
// Start with lots.go. Each movement has a file: use.go, cancel_use.go, cancel_save.go, debt.go, expire.go. open.go is
// how each of them but the expiry begins, write.go the statement with which it writes. cancel_saves.go undoes many
// saves at once, history.go and forecast.go read.
//
// # Movements
//
// A save is a movement and its lot: a row of point_lot, written once, that carries what is left of it. What is drawn
// from a lot, or given back to it, is a row of point_draw, which nothing changes; remaining is the sum of both. Five
// movements are written: save, use, use-cancel, save-cancel, expire. All but the save lock the member's account first,
// read the key and the lots after, and change a lot only if it has what was read: the expiry job takes no account, and
// a movement that it overtook begins anew. A save locks nothing, unless its policy limits what a member may hold.
//
// A use takes the oldest lot first (or the one that expires first, as configured). A use-cancel gives back to the lots
// that the use took from, the last one first. Of what comes back to a lot:
//
//   - what a save-cancel could not take, since it was spent, it takes now (a claim);
//   - the rest of what comes back to an expired lot expires again, and is saved anew, one save for each lot, so that
//     the save from which its points come stays known. A save-cancel takes from there too.
//
// So what a clawback took does not come back by a cancelled order, and no order launders it. A save-cancel with debt
// makes the member owe what was spent; point_account.owed stands beside the history, and lots pay it before the next
// use.
package points
