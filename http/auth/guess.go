package auth

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// GuessLimits bound the wrong keys that are answered with 401: a burst, then so many a second. The others get 429.
type GuessLimits struct {
	AddressBurst, AllBurst         int
	AddressPerSecond, AllPerSecond float64
}

// defaultGuesses allow a person to mistype a key, and stop a program that tries thousands.
var defaultGuesses = GuessLimits{AddressBurst: 10, AddressPerSecond: 0.5, AllBurst: 100, AllPerSecond: 10}

// maxAddresses bounds the addresses that are remembered. Beyond it, new addresses share one allowance.
const maxAddresses = 10_000

// guesses counts wrong keys by address and in all. The right key is never counted and never waits: a flood of wrong
// keys must not keep an operator from the brake. The length of the key, which production demands, keeps a program from
// finding it. The limits make the attempts visible and bound their cost.
type guesses struct {
	limits GuessLimits
	now    func() time.Time

	mu        sync.Mutex
	all       *rate.Limiter
	byAddress map[netip.Prefix]*rate.Limiter
}

func newGuesses(limits GuessLimits) *guesses {
	if limits == (GuessLimits{}) {
		limits = defaultGuesses
	}
	return &guesses{
		limits:    limits,
		now:       time.Now,
		all:       rate.NewLimiter(rate.Limit(limits.AllPerSecond), limits.AllBurst),
		byAddress: map[netip.Prefix]*rate.Limiter{},
	}
}

// wrong counts a wrong key of the address. It returns 0, or the time to wait if an allowance is used up. It checks the
// allowance of all first, so that a flood from many addresses does not fill the memory with them.
func (g *guesses) wrong(remote string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if wait := untilOne(g.all, now); wait > 0 {
		return wait
	}
	own := g.limiter(network(remote))
	if wait := untilOne(own, now); wait > 0 {
		return wait
	}
	own.AllowN(now, 1)
	g.all.AllowN(now, 1)
	return 0
}

// limiter returns the allowance of an address. If there are too many addresses, those with a full allowance are
// forgotten.
func (g *guesses) limiter(address netip.Prefix) *rate.Limiter {
	if l, ok := g.byAddress[address]; ok {
		return l
	}
	if len(g.byAddress) >= maxAddresses {
		now := g.now()
		for a, l := range g.byAddress {
			if l.TokensAt(now) >= float64(g.limits.AddressBurst) {
				delete(g.byAddress, a)
			}
		}
		if len(g.byAddress) >= maxAddresses {
			address = netip.Prefix{}
		}
	}
	l, ok := g.byAddress[address]
	if !ok {
		l = rate.NewLimiter(rate.Limit(g.limits.AddressPerSecond), g.limits.AddressBurst)
		g.byAddress[address] = l
	}
	return l
}

// untilOne returns the time until l has a token.
func untilOne(l *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing / float64(l.Limit()) * float64(time.Second))
}

// network returns what counts as one address: an IPv4 address, or a /64 of IPv6, which one customer has as a whole.
func network(remote string) netip.Prefix {
	address, err := netip.ParseAddr(remote)
	if err != nil {
		return netip.Prefix{}
	}
	address = address.Unmap().WithZone("")
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
