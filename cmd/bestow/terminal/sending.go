package terminal

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Sending is a body that shows a person how much of it was sent, and then for how long the service has been at work on
// it: a list is sent in seconds, and is checked and stored in more.
type Sending struct {
	body io.Reader
	size int64 // 0 if it is not known

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

// Send shows how a body goes until End is called.
func (t *Terminal) Send(body io.Reader, size int64) *Sending {
	s := &Sending{body: body, size: size, ended: make(chan struct{})}
	s.shown.Go(func() { t.showUntil(s.ended, s.state) })
	return s
}

// Await shows what is waited for, and for how long, until end is called.
func (t *Terminal) Await(what string) (end func()) {
	began, ended := time.Now(), make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		t.showUntil(ended, func() string { return fmt.Sprintf("%s … %d s", what, int(time.Since(began).Seconds())) })
	})
	return func() {
		close(ended)
		shown.Wait()
	}
}

// showUntil shows a state again and again.
func (t *Terminal) showUntil(ended <-chan struct{}, state func() string) {
	every, begin, end := sendingTick, "\r\x1b[K", ""
	if !t.Interactive {
		every, begin, end = sendingLogTick, "", "\n"
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for drawn := false; ; drawn = true {
		select {
		case <-ended:
			if drawn && t.Interactive {
				_, _ = io.WriteString(t.Err, begin) // a person's screen
			}
			return
		case <-tick.C:
			_, _ = io.WriteString(t.Err, begin+state()+end)
		}
	}
}

// Read reads on in the body.
func (s *Sending) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	s.note(n, err != nil)
	return n, err //nolint:wrapcheck // io.EOF, as it is
}

// note counts bytes that were sent; last says that there are no more.
func (s *Sending) note(n int, last bool) {
	if sent := s.sent.Add(int64(n)); last || s.size > 0 && sent >= s.size {
		now := time.Now()
		s.whole.CompareAndSwap(nil, &now)
	}
}

// Piece shows how a piece of the body goes that begins at a byte of it.
func (s *Sending) Piece(piece io.Reader, at int64) io.Reader {
	s.sent.Store(at)
	return &sentPiece{s, piece}
}

// sentPiece is a piece of a body.
type sentPiece struct {
	sending *Sending
	piece   io.Reader
}

// Read reads on in the piece.
func (p *sentPiece) Read(b []byte) (int, error) {
	n, err := p.piece.Read(b)
	p.sending.note(n, false)
	return n, err //nolint:wrapcheck // io.EOF, as it is
}

// End shows nothing more.
func (s *Sending) End() {
	close(s.ended)
	s.shown.Wait()
}

// state returns how far the body is, in less than 80 columns.
func (s *Sending) state() string {
	sent := s.sent.Load()
	megabytes := func(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
	switch whole := s.whole.Load(); {
	case whole != nil:
		return fmt.Sprintf("sent %s; the service checks and stores the list … %d s", megabytes(sent),
			int(time.Since(*whole).Seconds()))
	case s.size > 0:
		return fmt.Sprintf("sending  %d %% of %s", 100*sent/s.size, megabytes(s.size))
	}
	return "sending  " + megabytes(sent)
}
