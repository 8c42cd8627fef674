package auth

import (
	"time"

	"bestow/internal/allowance"
)

// KeyLimit bounds the requests of one key in one process: a burst, then so many a second. The others get 429.
type KeyLimit = allowance.Limit

// defaultKeyLimit is more than people and scripts need, and less than what keeps others from being answered.
var defaultKeyLimit = KeyLimit{Burst: 200, PerSecond: 100}

// requests counts the requests of each key. The key of BESTOW_ADMIN_KEY, whose id is 0, is not counted.
type requests struct{ byKey *allowance.Table[int64] }

func newRequests(limit KeyLimit) *requests {
	if limit == (KeyLimit{}) {
		limit = defaultKeyLimit
	}
	return &requests{allowance.NewTable[int64](limit)}
}

// take counts a request of the key. It returns 0, or the time to wait if there were too many.
func (r *requests) take(keyID int64) time.Duration {
	if keyID == 0 {
		return 0
	}
	return r.byKey.Take(keyID)
}
