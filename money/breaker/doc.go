// Package breaker leaves a ledger alone while it is away, and finds out when it is back.
//
// Start with Breaker in breaker.go. It is a Ledger in front of another one: it counts calls that fail as a whole, and
// never what a ledger refuses.
//
// What it must never do: retry a call by itself, or take part of a call for the whole.
package breaker
