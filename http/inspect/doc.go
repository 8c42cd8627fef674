// Package inspect serves the routes that show how events go and what became of them: progress, queue, results, the
// report of verify, and the state of the installation.
//
// Start with progress.go. Each handler reads its request, calls one use case of [bestow/app/reports], and writes the
// result in the types of [bestow/http/api].
//
// What it must never do: change an event. It changes nothing but the request for a report.
package inspect
