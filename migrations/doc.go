// Package migrations brings a database up to date: our tables by goose from the SQL files beside this one, River's own
// in schema "river" by rivermigrate, both under one advisory lock, so that any number of processes may do it at once.
//
// A file that has been released is never edited: a change is a new file.
package migrations
