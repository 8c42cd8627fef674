// Package ledger shows operators the ledger of points: what members have and when it expires, the accrual policies, and
// what became of a save. It makes and retires policies, and keeps in the audit who did.
//
// Start with ledger.go: a Book is the ledger, in this process or over HTTP. The rules are the ledger's: this package
// has none, and keeps nothing of it.
package ledger
