// Package client calls the admin API, for Go programs and for our own command line. A refusal is returned as the
// [domain.Error] that the server had, so a caller can decide by its code and show its hint.
//
// What it must never do: repeat a change without the Idempotency-Key of the first try, or follow a redirect with the
// key.
package client
