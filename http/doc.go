// Package http serves the admin API under /api/v1, the River UI under /river, and the private listener for health and
// metrics. It turns requests into calls of app and errors into problem+json. It decides nothing about grants.
//
// Start with routes.go, which lists every route with its handler and its rule of access. The handlers stand in rooms:
// [bestow/http/events] changes events, [bestow/http/types] changes event types, [bestow/http/lists] takes in member
// lists, [bestow/http/inspect] shows how events go, [bestow/http/ledger] shows the ledger of points and changes its
// policies, [bestow/http/access] has the keys and the audit, and [bestow/http/people] signs people in.
// [bestow/http/console] is the web console. [bestow/http/web] holds what they share, with the map from error codes to
// answers in web/problem.go, and [bestow/http/auth] admits requests. The rooms do not know each other or this package.
// [bestow/http/api] has the types on the wire, and [bestow/http/client] asks the API.
//
// What it must never do: write to the database, answer with the text of an error that is not a [domain.Error], or let
// app depend on echo or huma.
package http
