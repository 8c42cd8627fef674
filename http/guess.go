package http

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// GuessLimits bound how many wrong keys are answered with 401 before the answer is 429: a burst, then so many a second.
type GuessLimits struct {
	AddressBurst, AllBurst         int
	AddressPerSecond, AllPerSecond float64
}

// defaultGuesses let a person mistype a key, and stop a program that tries thousands.
var defaultGuesses = GuessLimits{AddressBurst: 10, AddressPerSecond: 0.5, AllBurst: 100, AllPerSecond: 10}

// maxAddresses bounds how many addresses are remembered. Beyond it, addresses that are new share one allowance.
const maxAddresses = 10_000

// sender is an address and the key that it sent.
type sender struct {
	address netip.Prefix
	key     [sha256.Size]byte
}

// guesses counts wrong keys by address and in all. While an allowance is used up no key is judged, a right one neither:
// otherwise a program could go on guessing. An address that has sent the right key before is let through all the same,
// so that wrong keys of others do not lock an operator out.
type guesses struct {
	limits GuessLimits
	now    func() time.Time

	mu        sync.Mutex
	all       *rate.Limiter
	byAddress map[netip.Prefix]*rate.Limiter
	known     map[sender]bool
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
		known:     map[sender]bool{},
	}
}

// judge notes that the address sent a key, right or wrong, and returns how long it must wait before a key of it is judged
// again: 0 means that this one was.
func (g *guesses) judge(remote string, key [sha256.Size]byte, right bool) time.Duration {
	from := sender{network(remote), key}
	g.mu.Lock()
	defer g.mu.Unlock()
	if right && g.known[from] {
		return 0
	}
	now, own := g.now(), g.limiter(from.address)
	if wait := max(untilOne(own, now), untilOne(g.all, now)); wait > 0 {
		return wait
	}
	if right {
		g.remember(from)
		return 0
	}
	own.AllowN(now, 1)
	g.all.AllowN(now, 1)
	return 0
}

// limiter is the allowance of an address. Addresses whose allowance is whole again are forgotten when there are too many.
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

// remember keeps that the address has the right key. Only holders of a key can make the map grow.
func (g *guesses) remember(from sender) {
	if len(g.known) >= maxAddresses {
		clear(g.known)
	}
	g.known[from] = true
}

// untilOne returns how long it takes until l has a token.
func untilOne(l *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing / float64(l.Limit()) * float64(time.Second))
}

// network is what counts as one address: an IPv4 address, or a /64 of IPv6, of which one customer has all.
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
