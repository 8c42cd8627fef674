//go:build failpoint

package failpoint

import (
	"context"
	_ "embed"
	"os"
	"regexp"
	"sync"
)

//go:embed points.go
var source string

var named = regexp.MustCompile(`(?m)^\t\w+ += "([a-z_.]+)"`)

// All is every point, in the order of the road.
func All() []string {
	var all []string
	for _, found := range named.FindAllStringSubmatch(source, -1) {
		all = append(all, found[1])
	}
	return all
}

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

// setting is the variable with the rules of the whole process.
const setting = "BESTOW_TEST_FAILPOINTS"

// planned returns the rules of the environment, which are read once.
var planned = sync.OnceValues(func() (plan, error) { return parse(os.Getenv(setting)) })

// Check returns an error if BESTOW_TEST_FAILPOINTS is wrong: with a misspelt point, a test would pass and test nothing.
func Check() error {
	_, err := planned()
	return err
}

// Hit does what the environment asks for at point, and asks the context's hook, if it has one, whether to go on.
func Hit(ctx context.Context, point string) error {
	p, err := planned()
	if err == nil {
		err = p.hit(ctx, point)
	}
	if err != nil {
		return err
	}
	if hook, ok := ctx.Value(hookKey{}).(func(string) error); ok {
		return hook(point)
	}
	return nil
}
