// Package auth admits requests that have the right API key, and limits how many wrong ones are tried.
//
// Start with auth.go. guess.go counts wrong keys.
//
// What it must never do: delay the right key, or show a key in an answer or a log.
package auth
