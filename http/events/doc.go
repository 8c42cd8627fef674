// Package events serves the routes that change events: making, editing and deleting one, its moves from start to retry,
// the brake, and the messages of events that no handler could use.
//
// Start with events.go. Each handler reads its request, calls one use case of [bestow/app], and writes the result in
// the types of [bestow/http/api].
//
// What it must never do: decide whether a move is allowed. Its use case does.
package events
