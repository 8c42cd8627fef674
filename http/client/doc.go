// Package client is the admin API for Go programs and for our own command line. A refusal comes back as the
// [domain.Error] that the server had, so that a caller decides by its code and shows its hint.
//
// What it must never do: repeat a change without the Idempotency-Key of the first try, or follow a redirect with the
// key.
package client
