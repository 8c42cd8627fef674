package access

import (
	"crypto/sha256"
	"sync"
	"time"

	"bestow/domain"
)

const (
	// cacheFor is how long a process takes a key without asking the database: a key that is revoked elsewhere is refused
	// within this time.
	cacheFor = 15 * time.Second
	// staleFor is how long it does while the database does not answer.
	staleFor = 45 * time.Second
	// maxKnown bounds the keys that are remembered.
	maxKnown = 10_000
)

// known remembers the principals of keys that were looked up, by the keys' hashes.
type known struct {
	now func() time.Time

	mu  sync.Mutex
	all map[[sha256.Size]byte]seen
}

// seen is a principal, when it was looked up, and when its key expires.
type seen struct {
	principal domain.Principal
	at, until time.Time
}

func newKnown() *known { return &known{now: time.Now, all: map[[sha256.Size]byte]seen{}} }

// get returns the principal of a key that has not expired, and how long ago it was looked up.
func (k *known) get(sum [sha256.Size]byte) (p domain.Principal, age time.Duration, found bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, found := k.all[sum]
	now := k.now()
	if !found || !now.Before(s.until) {
		return domain.Principal{}, 0, false
	}
	return s.principal, now.Sub(s.at), true
}

func (k *known) put(sum [sha256.Size]byte, p domain.Principal, lasts time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.all) >= maxKnown {
		clear(k.all)
	}
	now := k.now()
	k.all[sum] = seen{principal: p, at: now, until: now.Add(lasts)}
}

func (k *known) drop(sum [sha256.Size]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.all, sum)
}

// forget drops the key with the id.
func (k *known) forget(id int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for sum, s := range k.all {
		if s.principal.KeyID == id {
			delete(k.all, sum)
		}
	}
}
