// Package ledger handles the routes of the ledger of points.
//
// Start with handlers.go.
package ledger
