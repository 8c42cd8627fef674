// Package logtest keeps what a test's subject logs, so that the test can look for words in it.
package logtest

import (
	"bytes"
	"sync"
)

// Log keeps what was logged. Its zero value is ready, and it is safe for concurrent use.
type Log struct {
	mu  sync.Mutex
	out bytes.Buffer
}

// Write adds p.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

// String returns all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}
