// Package completion completes command lines of bestow in bash, zsh and fish: commands, flags, and the words of fixed
// lists, such as roles, statuses and formats.
//
// A short script for each shell asks the binary itself (Offer), so that what a shell offers is never older than the
// commands. It asks neither the service nor the database: a press of the tab key must not wait.
package completion
