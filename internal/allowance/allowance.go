// Package allowance bounds how often something is done: by an address, a name or a key, each with an allowance of its
// own. The memory that it takes is bounded too.
package allowance

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Most is how many allowances a table remembers, and one more: beyond it, those that are full are forgotten, and new
// ones share one.
const Most = 10_000

// Limit is a burst, and then so many a second.
type Limit struct {
	Burst     int
	PerSecond float64
}

// New returns an allowance.
func (l Limit) New() *rate.Limiter { return rate.NewLimiter(rate.Limit(l.PerSecond), l.Burst) }

// Until returns the time until l has one.
func Until(l *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing / float64(l.Limit()) * float64(time.Second))
}

// Table has an allowance for each key. Tests may change Now.
type Table[K comparable] struct {
	Now func() time.Time

	limit Limit
	mu    sync.Mutex
	all   map[K]*rate.Limiter
}

// NewTable returns a table in which each key has the limit.
func NewTable[K comparable](limit Limit) *Table[K] {
	return &Table[K]{Now: time.Now, limit: limit, all: map[K]*rate.Limiter{}}
}

// Take uses one of the key's allowance. It returns 0, or the time to wait where that is used up.
func (t *Table[K]) Take(key K) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.Now()
	l := t.limiter(key, now)
	if wait := Until(l, now); wait > 0 {
		return wait
	}
	l.AllowN(now, 1)
	return 0
}

// Forget gives the key its whole allowance back.
func (t *Table[K]) Forget(key K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, key)
}

// Len returns how many allowances are remembered.
func (t *Table[K]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}

// limiter returns the allowance of a key; that of the zero key is the one that is shared.
func (t *Table[K]) limiter(key K, now time.Time) *rate.Limiter {
	if l, ok := t.all[key]; ok {
		return l
	}
	if len(t.all) >= Most {
		for k, l := range t.all {
			if l.TokensAt(now) >= float64(t.limit.Burst) {
				delete(t.all, k)
			}
		}
	}
	if len(t.all) >= Most {
		var shared K
		key = shared
	}
	l, ok := t.all[key]
	if !ok {
		l = t.limit.New()
		t.all[key] = l
	}
	return l
}

// Network returns what counts as one address: an IPv4 address, or a /64 of IPv6, which one customer has as a whole; the
// zero value for what is no address.
func Network(address string) netip.Prefix {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(a, bits).Masked()
}
