// Package conformance tries a ledger that stands behind the four grant routes of the money API:
//
//	go test ./money/conformance -money-url https://ledger.example -money-token TOKEN
//
// Each check is a test by its name, such as TestLedger/replay, and says what the ledger must do. Without -money-url the
// ledger is the one of this repository. With -money-full the routes of members are tried too. Try a ledger that is made
// for tests: the checks grant, and nothing is taken back.
//
// Start with checks.go, the list of checks; full.go has those of the routes of members. How a ledger is asked is in
// session.go. The checks know of the ledger what it answers over HTTP, and nothing else.
package conformance
