package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// KeyLimit bounds the requests of one key in one process: a burst, then so many a second. The others get 429.
type KeyLimit struct {
	Burst     int
	PerSecond float64
}

// defaultKeyLimit is more than people and scripts need, and less than what keeps others from being answered.
var defaultKeyLimit = KeyLimit{Burst: 200, PerSecond: 100}

// requests counts the requests of each key. The key of BESTOW_ADMIN_KEY, whose id is 0, is not counted.
type requests struct {
	limit KeyLimit
	now   func() time.Time

	mu    sync.Mutex
	byKey map[int64]*rate.Limiter
}

func newRequests(limit KeyLimit) *requests {
	if limit == (KeyLimit{}) {
		limit = defaultKeyLimit
	}
	return &requests{limit: limit, now: time.Now, byKey: map[int64]*rate.Limiter{}}
}

// take counts a request of the key. It returns 0, or the time to wait if there were too many.
func (r *requests) take(keyID int64) time.Duration {
	if keyID == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.byKey[keyID]
	if !ok {
		l = rate.NewLimiter(rate.Limit(r.limit.PerSecond), r.limit.Burst)
		r.byKey[keyID] = l
	}
	now := r.now()
	if wait := untilOne(l, now); wait > 0 {
		return wait
	}
	l.AllowN(now, 1)
	return 0
}
