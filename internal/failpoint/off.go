//go:build !failpoint

package failpoint

import "context"

// Hit does nothing in a normal build.
func Hit(context.Context, string) error { return nil }
