package main

import (
	"fmt"
	"io"
	"math"
	"slices"
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
	_, _ = fmt.Fprintf(t.out, "%8.1f s  %s\n", time.Since(t.began).Seconds(), fmt.Sprintf(format, args...)) // nobody is left to tell
}

// percentile is the smallest of the durations that p of a hundred are not above; of none it is 0.
func percentile(list []time.Duration, p float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
