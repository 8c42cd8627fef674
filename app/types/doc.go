// Package types holds the use cases of event types: they are listed, changed, retired and made while processes run.
//
// Start with Types.Create in create.go, which keeps what a type is; make.go has the job that gives it tables and
// topics.
//
// What it must never do: delete a type. Its results and the ledger's entries name it for ever.
package types
