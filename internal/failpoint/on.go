//go:build failpoint

package failpoint

import "context"

type hookKey struct{}

// With returns a context in which every Hit calls hook, after the hooks that were there before. A hook that returns an
// error aborts the step at that point.
func With(ctx context.Context, hook func(point string) error) context.Context {
	if before, ok := ctx.Value(hookKey{}).(func(string) error); ok {
		inner := hook
		hook = func(point string) error {
			if err := before(point); err != nil {
				return err
			}
			return inner(point)
		}
	}
	return context.WithValue(ctx, hookKey{}, hook)
}

// Hit asks the context's hook, if it has one, whether to go on past point.
func Hit(ctx context.Context, point string) error {
	if hook, ok := ctx.Value(hookKey{}).(func(string) error); ok {
		return hook(point)
	}
	return nil
}
