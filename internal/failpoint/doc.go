// Package failpoint names the places on a grant's road where a test can let a process die, fail, wait or stand still.
//
// In a normal build Hit is an empty function that the compiler removes. With the build tag "failpoint" a test plants a
// failure through the context, and a whole process gets its own from the environment:
//
//	BESTOW_TEST_FAILPOINTS="relay.after_ack=kill@3;money.before_commit=delay:200ms;settle.before_commit=error%10"
//
// A rule is a point and an action: kill (the process is gone, as by kill -9), pause (it stands still until SIGCONT),
// error (the step ends there), or delay:DURATION. @N takes the Nth passage only, %N each Nth, neither takes each. A
// point may have several rules. `go test -tags failpoint ./...` runs the crash tests beside all others.
package failpoint
