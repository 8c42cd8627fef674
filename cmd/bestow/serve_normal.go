//go:build !failpoint

package main

import "bestow/cmd/bestow/daemon"

// serveOverrides changes nothing in a normal build.
func serveOverrides() daemon.Overrides { return daemon.Overrides{} }
