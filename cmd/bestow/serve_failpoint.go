//go:build failpoint

package main

import "bestow/app"

// serveOverrides let the ledger of a build that is broken on purpose refuse some members of the campaigns that are played.
func serveOverrides() overrides {
	return overrides{granter: func(g app.Granter) app.Granter { return pickyLedger{g} }}
}
