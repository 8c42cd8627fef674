// Package wire has what goes between the service of a ledger (money/moneyhttp) and a client of it (money/moneyclient):
// the bodies of requests and answers as JSON, the headers, and the codes of what is refused. Each body is made from
// what the ledger has by New…, and read back by its method Money.
//
// Start with ledger.go (where the API is, and which ledger it is) and grants.go. The names in JSON are wire format: a
// field is never renamed. A field's tag doc is its line in the description of the API (OpenAPI).
package wire
