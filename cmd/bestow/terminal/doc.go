// Package terminal has the parts that every command of bestow shares: it reads flags, prints tables and JSON, says what
// went wrong, and finds the service to ask.
//
// Start with Terminal in terminal.go; fail.go says how an error reaches a person or a program. What a command does
// stands in the command's own room, never here.
package terminal
