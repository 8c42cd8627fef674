// Package keys keeps one data key for each event, in a table of (event_id, wrapped): pin_keys for the PINs of vouchers,
// event_keys for the hashes of what is granted. The master key wraps them.
//
// What it must never do: keep a key in memory from one transaction to the next by itself, since the transaction that
// made it may be rolled back.
package keys
