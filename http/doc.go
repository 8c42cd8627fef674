// Package http is the desk: the admin API under /api/v1, the River UI under /river, and the private health and metrics
// listener. It turns requests into calls of app and errors into problem+json, and decides nothing about grants.
//
// Start with routes.go: every route stands there, with its rule of access. Then error.go, the one map from what went
// wrong to what a client is told.
//
// What it must never do: write to the database, answer with the text of an error that is not a [domain.Error], or let
// echo or huma be known elsewhere.
package http
