package domain

import "time"

// RetryPolicy says how often a refused grant is tried again, and when.
type RetryPolicy struct {
	Limit   int           // retries after the first try
	Backoff time.Duration // before the first retry; it doubles with each
}

// maxBackoff is the longest wait between two tries.
const maxBackoff = time.Hour

// Wait returns the time between the n-th definite refusal (n ≥ 1) and the next try: Backoff, doubled each time, at most
// an hour.
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

// UnknownWait returns the time before the ledger is asked again for a grant with an unknown outcome. asked is the time
// since its chunk was first asked for. The wait is as long as that, so it doubles, from two seconds to a minute,
// without end. An unknown outcome does not count as a refusal.
func UnknownWait(asked time.Duration) time.Duration {
	return min(max(asked, 2*time.Second), time.Minute)
}
