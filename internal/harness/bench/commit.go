package bench

import (
	"context"
	"os/exec"
	"runtime/debug"
	"strings"
)

// thisCommit is the commit of this program, short; "" if it is not known. `go run` writes none into a program: then it
// is that of the folder in which it runs.
func thisCommit(ctx context.Context) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value[:min(len(s.Value), 8)]
			}
		}
	}
	out, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=8", "HEAD").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
