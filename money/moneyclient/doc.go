// Package moneyclient asks a ledger over HTTP: ours, which money/moneyhttp serves, or a company's own that has the four
// routes of grants. It stands on no database.
//
// Start with client.go: how a request is sent. reply.go says what an answer proves: that nothing was applied
// ([RefusedError], [money.ErrDeadline], [money.ErrTooMany], [money.ErrNoMaster]), or that it is unknown what was. The
// contract between both sides stands in the doc of money/moneyhttp.
//
// # Never
//
// Never follow a redirect, nor read an answer without a bound. Never write a voucher's code or PIN to a log or an
// error: the text of a decoder's error may hold one, so it is not passed on.
package moneyclient
