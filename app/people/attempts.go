package people

import (
	"time"

	"bestow/domain"
	"bestow/internal/allowance"
)

// The allowances of sign-in in one process. That of a name counts for each network from which the person has signed in
// before, and for all others together: a stranger who uses it up keeps the person out of other networks only, and only
// as long as he goes on. Addresses and names cost a stranger nothing, so all attempts from networks that are not known
// have one allowance together: they take a fifth of a core at most.
var (
	perOrigin  = allowance.Limit{Burst: 30, PerSecond: 1.0 / 6}
	perName    = allowance.Limit{Burst: 10, PerSecond: 1.0 / 60}
	perUnknown = allowance.Limit{Burst: 60, PerSecond: 2}
)

// take uses one of the allowance. Error: domain.WaitError if it is used up.
func take[K comparable](t *allowance.Table[K], kind K) error {
	if wait := t.Take(kind); wait > 0 {
		return tooMany(wait)
	}
	return nil
}

// Admit counts a request from the address that costs more than a look-up. Error: domain.WaitError.
func (s *People) Admit(address string) error { return take(s.byOrigin, Network(address)) }

// tooMany says that too many attempts came, and how long to wait.
func tooMany(wait time.Duration) error {
	return &domain.WaitError{Wait: wait, Answer: domain.TooManyAttemptsError("too many attempts to sign in at this time",
		"wait as long as Retry-After says; from an address where you have signed in before, others' attempts do not count")}
}

// Network returns what counts as one address, as text; "" for what is no address.
func Network(address string) string {
	if network := allowance.Network(address); network.IsValid() {
		return network.String()
	}
	return ""
}
