// Package inspect serves the routes that show how events go and what became of them: progress, queue, targets, results
// and their files, the way of a member, the PIN of a voucher, the report of verify, and the state of the installation.
//
// Start with progress.go. Each handler reads its request, calls one use case of [bestow/app/reports],
// [bestow/app/lists] or [bestow/app/pins], and writes the result in the types of [bestow/http/api].
//
// What it must never do: change an event. It writes the request for a report, and that a list was exported or a PIN
// shown.
package inspect
