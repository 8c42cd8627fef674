package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// timeline prints what happens, with the seconds since the beginning.
type timeline struct {
	out   io.Writer
	began time.Time
	mu    sync.Mutex
}

// say prints one line. It may be called from anywhere.
func (t *timeline) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// an error cannot be reported
	_, _ = fmt.Fprintf(t.out, "%8.1f s  %s\n", time.Since(t.began).Seconds(), fmt.Sprintf(format, args...))
}
