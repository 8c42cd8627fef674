// Package demo shows the whole product at work: it starts what is missing, plays two events, and proves what came of
// them. With --chaos it runs the service as five processes and kills them.
//
// Start with Cmd.Run in demo.go; show.go prints, chaos.go kills.
//
// What it must never do: grant to members that are not its own. database.go refuses a database that others use.
package demo
