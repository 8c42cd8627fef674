// Package http serves the admin API under /api/v1, the River UI under /river, and the private listener for health and
// metrics. It turns requests into calls of app and errors into problem+json. It decides nothing about grants.
//
// Start with routes.go, which lists every route and its rule of access. Then read web/problem.go, which maps each error
// code to an answer.
//
// What it must never do: write to the database, answer with the text of an error that is not a [domain.Error], or let
// another package depend on echo or huma.
package http
