//go:build !linux

package pgtest

// spacious is never true: only Linux has a file system of memory that is always there.
func spacious(string) bool { return false }
