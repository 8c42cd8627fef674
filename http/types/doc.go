// Package types handles the routes of event types.
//
// Start with handlers.go.
package types
