package people

import (
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"bestow/domain"

	"golang.org/x/time/rate"
)

// allowance is how many attempts are worked: a burst, and then one in each time every.
type allowance struct {
	burst int
	every time.Duration
}

// The allowances of sign-in in one process. That of a name counts for each network from which the person has signed in
// before, and for all others together: a stranger who uses it up keeps the person out of other networks only, and only
// as long as he goes on.
var (
	perOrigin = allowance{burst: 30, every: 6 * time.Second}
	perName   = allowance{burst: 10, every: time.Minute}
)

// maxKinds bounds the allowances that are remembered. Beyond it, new ones share one.
const maxKinds = 10_000

// attempts counts attempts to sign in by what they have in common.
type attempts struct {
	allowed allowance
	now     func() time.Time

	mu  sync.Mutex
	all map[string]*rate.Limiter
}

func newAttempts(allowed allowance) *attempts {
	return &attempts{allowed: allowed, now: time.Now, all: map[string]*rate.Limiter{}}
}

// take counts an attempt. Error: WaitError if there were too many.
func (a *attempts) take(kind string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	l := a.limiter(kind, now)
	if !l.AllowN(now, 1) {
		missing := 1 - l.TokensAt(now)
		return &WaitError{time.Duration(missing * float64(a.allowed.every))}
	}
	return nil
}

func (a *attempts) limiter(kind string, now time.Time) *rate.Limiter {
	if l, ok := a.all[kind]; ok {
		return l
	}
	if len(a.all) >= maxKinds {
		for k, l := range a.all {
			if l.TokensAt(now) >= float64(a.allowed.burst) {
				delete(a.all, k)
			}
		}
	}
	if len(a.all) >= maxKinds {
		kind = ""
	}
	l, ok := a.all[kind]
	if !ok {
		l = rate.NewLimiter(rate.Every(a.allowed.every), a.allowed.burst)
		a.all[kind] = l
	}
	return l
}

// forget gives the whole allowance back, after an attempt that was right.
func (a *attempts) forget(kind string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.all, kind)
}

// WaitError says that too many attempts came, and how long to wait.
type WaitError struct{ Wait time.Duration }

// Error says how long to wait.
func (e *WaitError) Error() string {
	return fmt.Sprintf("too many attempts to sign in: wait %d s", e.RetryAfter())
}

// RetryAfter returns the whole seconds to wait.
func (e *WaitError) RetryAfter() int { return int(math.Ceil(e.Wait.Seconds())) }

// Explain returns the answer.
func (e *WaitError) Explain() *domain.Error {
	return domain.TooManyAttemptsError("too many attempts to sign in, with this name or from this address",
		"wait as long as Retry-After says; from an address where you have signed in before, others' attempts do not count")
}

// Network returns what counts as one address, as text: an IPv4 address, or a /64 of IPv6, which one customer has as a
// whole.
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(a, bits).Masked().String()
}
