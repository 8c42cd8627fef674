package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// sending is a body that shows a person how much of it was sent, and then for how long the service has been at work on it: a list
// is sent in seconds, and is checked and stored in more.
type sending struct {
	body io.Reader
	size int64 // 0 if it is not known
	out  io.Writer

	sent  atomic.Int64
	whole atomic.Pointer[time.Time] // when the last byte was sent
	ended chan struct{}
	shown sync.WaitGroup
}

// How often a person sees the state: on a screen it is written over, in a log each is a line.
const (
	sendingTick    = 200 * time.Millisecond
	sendingLogTick = 30 * time.Second
)

// send shows how a body goes until end is called.
func (t *terminal) send(body io.Reader, size int64) *sending {
	s := &sending{body: body, size: size, out: t.err, ended: make(chan struct{})}
	every, begin, end := sendingTick, "\r\x1b[K", ""
	if !t.interactive {
		every, begin, end = sendingLogTick, "", "\n"
	}
	s.shown.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for drawn := false; ; drawn = true {
			select {
			case <-s.ended:
				if drawn && t.interactive {
					_, _ = io.WriteString(s.out, begin) // a person's screen
				}
				return
			case <-tick.C:
				_, _ = io.WriteString(s.out, begin+s.state()+end)
			}
		}
	})
	return s
}

// Read reads on in the body.
func (s *sending) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	if sent := s.sent.Add(int64(n)); err != nil || s.size > 0 && sent >= s.size {
		now := time.Now()
		s.whole.CompareAndSwap(nil, &now)
	}
	return n, err //nolint:wrapcheck // io.EOF, as it is
}

// end shows nothing more.
func (s *sending) end() {
	close(s.ended)
	s.shown.Wait()
}

// state is how far the body is, in less than 80 columns.
func (s *sending) state() string {
	sent := s.sent.Load()
	megabytes := func(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
	switch whole := s.whole.Load(); {
	case whole != nil:
		return fmt.Sprintf("sent %s; the service checks and stores the list … %d s", megabytes(sent), int(time.Since(*whole).Seconds()))
	case s.size > 0:
		return fmt.Sprintf("sending  %d %% of %s", 100*sent/s.size, megabytes(s.size))
	}
	return "sending  " + megabytes(sent)
}
