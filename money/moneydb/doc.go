// Package moneydb puts a ledger together that is kept in a PostgreSQL database, in the schema money. Any number of
// processes may share it.
//
// Start with ledger.go: [New] makes a [Ledger], whose methods are those of its parts (grants, points, vouchers,
// policies). identity.go says which ledger it is, and whose grants it takes.
package moneydb
