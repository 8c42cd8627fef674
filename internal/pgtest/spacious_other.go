//go:build !linux

package pgtest

// spacious reports false: only Linux always has a file system in memory.
func spacious(string) bool { return false }
