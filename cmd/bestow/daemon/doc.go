// Package daemon makes and runs a process of the service: New connects to what its roles need, and Run works in
// them until it is asked to stop.
//
// Start with Process in process.go. heart.go says who is there and what stands still, takeover.go gives the work of
// processes that are gone to others, clock.go keeps a process with a wrong clock from jobs, ops.go answers /readyz. Who
// grants is in package ledgers, every setting in package settings.
//
// What it must never do: decide what is granted. It only connects.
package daemon
