//go:build failpoint

package failpoint

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"bestow/internal/spelling"
)

// errAsked is the error of an action that is an error.
var errAsked = errors.New("aborted, as " + setting + " asks")

// plan is the rules of each point.
type plan map[string][]*rule

// rule is an action at some passages of a point.
type rule struct {
	act    func(context.Context) error
	nth    int64 // 0: each passage
	repeat bool  // each nth passage, not the nth alone
	passed atomic.Int64
}

func (p plan) hit(ctx context.Context, point string) error {
	for _, r := range p[point] {
		if !r.due(r.passed.Add(1)) {
			continue
		}
		if err := r.act(ctx); err != nil {
			return fmt.Errorf("failpoint %s: %w", point, err)
		}
	}
	return nil
}

// due reports whether the rule acts at the passage.
func (r *rule) due(passage int64) bool {
	switch {
	case r.nth == 0:
		return true
	case r.repeat:
		return passage%r.nth == 0
	}
	return passage == r.nth
}

// parse reads rules, and names all their errors.
func parse(rules string) (plan, error) {
	p := plan{}
	var errs []error
	for text := range strings.SplitSeq(rules, ";") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		point, r, err := parseRule(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %q: %w", setting, text, err))
			continue
		}
		p[point] = append(p[point], r)
	}
	return p, errors.Join(errs...)
}

func parseRule(text string) (point string, r *rule, err error) {
	point, action, ok := strings.Cut(text, "=")
	if !ok {
		return "", nil, errors.New("a rule is POINT=ACTION, such as relay.after_ack=kill@3")
	}
	if all := All(); !slices.Contains(all, point) {
		return "", nil, fmt.Errorf("there is no point %q: did you mean %s?", point, spelling.Nearest(point, all))
	}
	r = &rule{}
	if at := strings.IndexAny(action, "@%"); at >= 0 {
		r.repeat = action[at] == '%'
		if r.nth, err = strconv.ParseInt(action[at+1:], 10, 64); err != nil || r.nth < 1 {
			return "", nil, fmt.Errorf("%q is no number of a passage: it must be 1 or more", action[at+1:])
		}
		action = action[:at]
	}
	r.act, err = parseAction(action)
	return point, r, err
}

// delayed is the action that takes a duration.
const delayed = "delay"

// actions are the actions by name.
var actions = map[string]func(context.Context) error{
	"kill":  func(context.Context) error { return errors.Join(signal(syscall.SIGKILL), errors.New("outlived it")) },
	"pause": func(context.Context) error { return signal(syscall.SIGSTOP) },
	"error": func(context.Context) error { return errAsked },
}

func parseAction(text string) (func(context.Context) error, error) {
	name, duration, _ := strings.Cut(text, ":")
	if name == delayed {
		d, err := time.ParseDuration(duration)
		if err != nil || d < 0 {
			return nil, fmt.Errorf("%q is no duration: it must have a unit, such as delay:200ms", duration)
		}
		return func(ctx context.Context) error { wait(ctx, d); return nil }, nil
	}
	if act, ok := actions[text]; ok {
		return act, nil
	}
	return nil, fmt.Errorf("there is no action %q: did you mean %s?", text,
		spelling.Nearest(name, []string{"kill", "pause", "error", delayed}))
}

// settling is the time after which a signal has certainly reached the process. No further step may run before.
const settling = 20 * time.Millisecond

// signal sends this process a signal that it cannot ignore, and returns if the process goes on.
func signal(s syscall.Signal) error {
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		return fmt.Errorf("send %s: %w", s, err)
	}
	wait(context.Background(), settling)
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
