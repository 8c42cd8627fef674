// Package web holds what the handlers of all routes use: it registers them, reads and checks their requests, and turns
// errors into answers. It knows no route.
//
// Start with api.go, which registers a route. Then read problem.go, which maps each error code to an answer.
//
// What it must never do: call a use case.
package web
