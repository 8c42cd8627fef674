// Package points has the commands that ask the ledger at BESTOW_MONEY_URL with BESTOW_MONEY_TOKEN: those about members,
// policies and expiring points. There is one file for each command; ledger.go finds the ledger.
//
// What it must never do: read the database, or ask the service. The ledger may run apart from both.
package points
