// Package auth admits requests that have an API key whose role may do what they ask, and limits how many wrong keys are
// tried and how many requests a key sends.
//
// Start with auth.go. guess.go counts wrong keys, requests.go the requests of each key. Package app/access says whose a
// key is.
//
// What it must never do: delay the right key, or show a key in an answer or a log.
package auth
