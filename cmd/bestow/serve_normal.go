//go:build !failpoint

package main

// serveOverrides changes nothing in a normal build.
func serveOverrides() overrides { return overrides{} }
