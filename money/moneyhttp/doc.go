// Package moneyhttp serves a ledger over HTTP. A company with a ledger of its own puts it behind the four routes of
// grants, and money/moneyclient asks it like ours.
//
// Start with routes.go. What is sent stands in the package wire. The contract:
//
//   - A key is applied once, for ever. A caller that has no answer asks again with the same keys.
//   - A request that is refused with a status of 4xx, with 503 and the code unavailable, or with 504 and the code
//     deadline, has applied nothing and never will. After any other answer but 200, and after none, it is unknown what
//     was applied.
//   - Nothing is applied after the earlier of deadline (a moment) and budget_ms (from the arrival), nor after a minute.
//     The first holds even if the request waits on its way; the second holds even if the caller's clock is far ahead.
//   - A key that stands is a replay after the deadline too. 504 says that the key, or one of a batch, stands for
//     nothing.
//   - A ledger takes the grants of one installation, and a request may name the ledger that it means.
//
// # Never
//
// Never read a body without a bound. Never write a voucher's code or PIN to a log or an error: the text of a decoder's
// error may hold one, so it is not passed on.
package moneyhttp
