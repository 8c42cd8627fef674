//go:build !failpoint

package failpoint

import "context"

// Hit does nothing in a normal build.
func Hit(context.Context, string) error { return nil }

// Check finds nothing wrong in a normal build.
func Check() error { return nil }
