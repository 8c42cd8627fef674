// Package rig puts together what a bench measures: it starts the servers that the settings do not name, and the product
// on them, as the command serve does.
//
// Start with Start in rig.go; Config hands the parts to package bench. Broker and ledger are processes of their own: the
// same program, with the commands bench-broker (ServeBroker here) and serve.
//
// It may know two rooms of cmd, daemon and settings, since a process of the product is made there. It must never measure
// or decide what is measured.
package rig
