// Package ledgers lets app and the ledgers meet: Granter asks the ledger that an event type names, and reads what its
// answer proves.
//
// Start with Granter.Grant in granter.go. ledgers.go has the ledgers by their names; remote.go checks again and again
// that the ledger at an address is the one that it was, and remote_clock.go that its clock is right.
//
// What it must never do: ask a ledger that is another than before, or take an answer for more than it proves.
package ledgers
