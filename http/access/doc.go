// Package access handles the routes of keys and of the audit.
//
// Start with handlers.go.
//
// What it must never do: log a key, or show one but in the answer that makes it.
package access
