// Package vouchers keeps vouchers: the data keys under which they are sealed (vault.go), their codes and PINs (mint.go,
// sealed.go), and what becomes of them (cancel.go, state.go). What issues them is the package grants. audit.go opens
// them for a proof, rewrap.go changes the master key.
//
// Start with keeper.go.
//
// # What becomes of a voucher
//
// A voucher is a row that nothing changes; what became of it is its last row of voucher_events (cancel.go, state.go). A
// cancel locks the voucher's row first, and reads after. Its keys are one space with those of the grants of vouchers: a
// campaign's begin with grant:, which no cancel may use, and a grant under any other key looks first. Two that come in
// the same instant under one key, a grant and a cancel, may both be applied.
package vouchers
