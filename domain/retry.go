package domain

import "time"

// RetryPolicy says how often a refused grant is tried again, and when.
type RetryPolicy struct {
	Limit   int           // retries after the first try
	Backoff time.Duration // before the first retry; it doubles with each
}

// maxBackoff is the longest wait between two tries.
const maxBackoff = time.Hour

// Wait is the time between the n-th definite refusal (n ≥ 1) and the next try: Backoff, then doubling, at most an hour.
func (p RetryPolicy) Wait(n int) time.Duration {
	wait := p.Backoff
	for range n - 1 {
		if wait >= maxBackoff {
			break
		}
		wait *= 2
	}
	return min(wait, maxBackoff)
}

// UnknownWait is the time before a grant with an unknown outcome is asked again, given how long its chunk has been
// asked for: as long again, so that it doubles, from two seconds to a minute, without end. It is no refusal and counts
// as none.
func UnknownWait(asked time.Duration) time.Duration {
	return min(max(asked, 2*time.Second), time.Minute)
}
