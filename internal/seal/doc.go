// Package seal keeps secrets at rest: a [Master] key from the configuration wraps data keys, a data [Key] seals what is
// secret (a voucher's code, a PIN), and the database holds only the wrapped and the sealed.
//
// Everything is AES-256-GCM with random nonces. To seal or wrap, a caller gives the purpose ([AAD]: the row, the
// field), and must give the same to open. So a writer of the database cannot put one row's secret into another.
//
// A change of the master key wraps the data keys anew and leaves what they have sealed, and their HMACs, as it is.
//
// What it must never do: print, log or marshal a key, by any verb or handler.
package seal
