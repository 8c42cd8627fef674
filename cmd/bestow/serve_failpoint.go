//go:build failpoint

package main

import (
	"bestow/app/grants"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/demo"
)

// serveOverrides let the ledger of a build that is broken on purpose refuse some members of the campaigns that are
// played.
func serveOverrides() daemon.Overrides {
	return daemon.Overrides{Granter: func(g grants.Granter) grants.Granter { return demo.PickyLedger{Granter: g} }}
}
