package auth

import (
	"net/netip"
	"sync"
	"time"

	"bestow/internal/allowance"

	"golang.org/x/time/rate"
)

// GuessLimits bound the wrong keys that are answered with 401: a burst, then so many a second. The others get 429.
type GuessLimits struct {
	AddressBurst, AllBurst         int
	AddressPerSecond, AllPerSecond float64
}

// defaultGuesses allow a person to mistype a key, and stop a program that tries thousands.
var defaultGuesses = GuessLimits{AddressBurst: 10, AddressPerSecond: 0.5, AllBurst: 100, AllPerSecond: 10}

// guesses counts wrong keys by address and in all. The right key is never counted and never waits: a flood of wrong
// keys must not keep an operator from the brake. The length of the key, which production demands, keeps a program from
// finding it. The limits make the attempts visible and bound their cost.
type guesses struct {
	byAddress *allowance.Table[netip.Prefix]

	mu  sync.Mutex
	all *rate.Limiter
}

func newGuesses(limits GuessLimits) *guesses {
	if limits == (GuessLimits{}) {
		limits = defaultGuesses
	}
	return &guesses{
		byAddress: allowance.NewTable[netip.Prefix](allowance.Limit{
			Burst: limits.AddressBurst, PerSecond: limits.AddressPerSecond,
		}),
		all: allowance.Limit{Burst: limits.AllBurst, PerSecond: limits.AllPerSecond}.New(),
	}
}

// wrong counts a wrong key of the address. It returns 0, or the time to wait if an allowance is used up. It checks the
// allowance of all first, so that a flood from many addresses does not fill the memory with them.
func (g *guesses) wrong(remote string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.byAddress.Now()
	if wait := allowance.Until(g.all, now); wait > 0 {
		return wait
	}
	if wait := g.byAddress.Take(allowance.Network(remote)); wait > 0 {
		return wait
	}
	g.all.AllowN(now, 1)
	return 0
}
