// Package seal keeps secrets at rest: a [Master] key from the configuration wraps data keys, a data [Key] seals what is
// secret (a voucher's code, a PIN), and the database holds only the wrapped and the sealed.
//
// Everything is AES-256-GCM with random nonces. Whoever seals or wraps also says what it is for ([AAD]: the row, the
// field), and the same must be said to open it, so that nobody who can write to the database can put one row's secret
// into another.
//
// A change of the master key wraps the data keys anew and leaves what they have sealed, and their HMACs, as it is.
//
// What it must never do: print, log or marshal a key, whatever verb or handler is used.
package seal
