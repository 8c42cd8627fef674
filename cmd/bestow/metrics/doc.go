// Package metrics has what a process tells Prometheus of itself, of the requests and grants that it makes, and, in the
// role jobs, of the installation. docs/operations.md lists every metric, and a test compares that list with them.
//
// Start with New. state.go has the numbers of the installation, which are the same in each process that tells them;
// process.go those of one process; requests.go and grants.go what it counts as it works.
//
// What it must never do: name a member, or have a label whose values nothing bounds.
package metrics
