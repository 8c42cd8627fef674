// Package pins keeps the PINs of vouchers that the campaign side remembers: it seals them for the results (Sealer),
// opens them for a proof, which compares them with the ledger's (Unsealer), and shows one to a person who says why
// (Revealer). Each event has a key of its own in the table pin_keys, which the master key wraps.
//
// Start with NewSealer in sealer.go.
//
// What it must never do: write a PIN or a key into a log, an error or a report.
package pins
