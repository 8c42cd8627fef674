package moneytest

import (
	"crypto/rand"
	"sync"
)

// Script is a source of randomness that gives what it was told to, then random bytes.
type Script struct {
	mu    sync.Mutex
	Bytes []byte
	Loop  bool // what it was told is given again and again
}

// Read gives the next bytes.
func (s *Script) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.Bytes) == 0 {
		return rand.Read(p)
	}
	n := copy(p, s.Bytes)
	if !s.Loop {
		s.Bytes = s.Bytes[n:]
	}
	return n, nil
}
