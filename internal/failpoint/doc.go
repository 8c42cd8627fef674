// Package failpoint names the places on a grant's road where a test can abort the step, as if the process had died there.
//
// In a normal build Hit is an empty function that the compiler removes. With the build tag "failpoint" a test plants a
// failure through the context: `go test -tags failpoint ./...` runs the crash tests beside all others.
package failpoint
