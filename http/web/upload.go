package web

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"bestow/domain"
	"bestow/http/api"
)

// UploadLimits are the limits of an upload.
type UploadLimits struct {
	// At least Bytes must come in each Window. Only time in which the server waits for the client counts.
	Window time.Duration
	Bytes  int64
	// StopWait is the time that an upload may go on after the listener stops.
	StopWait time.Duration
}

// DefaultUploadLimits demand 16 KiB a second: at that pace a million members take half an hour.
func DefaultUploadLimits() UploadLimits {
	return UploadLimits{Window: 30 * time.Second, Bytes: 30 * 16 << 10, StopWait: 5 * time.Second}
}

// Upload reads a member list from the client. It ends if the client is too slow, or if it is interrupted.
type Upload struct {
	Limits UploadLimits

	body     io.Reader
	deadline func(time.Time) error

	waited time.Duration // for the client, in this window
	came   int64         // in this window
	whole  atomic.Bool   // the body was read to its end
	over   atomic.Pointer[UploadError]
}

// NewUpload returns an upload of the body. deadline sets until when the next read of it may last.
func NewUpload(body io.Reader, deadline func(time.Time) error) *Upload {
	return &Upload{Limits: DefaultUploadLimits(), body: body, deadline: deadline}
}

// Context returns a context for the work on the upload. net/http cancels the request's own context after each read that
// fails, even if the deadline was ours, and then the work must still be rolled back. While the body comes in, a read
// fails if the client is gone; once the body is whole, the context ends.
func (u *Upload) Context(request context.Context) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(request))
	stop := context.AfterFunc(request, func() {
		if u.whole.Load() {
			cancel()
		}
	})
	return work, func() {
		stop()
		cancel()
	}
}

// Read marks its errors as the sender's, so that they are not taken for the database's.
func (u *Upload) Read(p []byte) (int, error) {
	if u.whole.Load() { // a deadline would meet the end of the connection
		return 0, io.EOF
	}
	began := time.Now()
	if err := u.deadline(began.Add(u.patience())); err != nil {
		return 0, &UploadError{err}
	}
	if over := u.over.Load(); over != nil { // after the deadline was set: Interrupt sets it the other way round
		return 0, over
	}
	n, err := u.body.Read(p)
	if over := u.over.Load(); over != nil {
		return n, over
	}
	if errors.Is(err, io.EOF) {
		u.whole.Store(true)
		_ = u.deadline(time.Time{}) // from here on net/http reads, to notice if the client goes away
		return n, err
	}
	if err != nil {
		return n, &UploadError{err}
	}
	return n, u.pace(int64(n), time.Since(began))
}

// patience returns the time that the next piece may take: the rest of the window, or a whole one if enough has come in
// this one. It is never so short that the end of the body could exceed it.
func (u *Upload) patience() time.Duration {
	if u.came >= u.Limits.Bytes {
		return u.Limits.Window
	}
	return max(u.Limits.Window-u.waited, u.Limits.Window/4)
}

// pace counts a piece, and at the end of a window refuses a client that sent too little in it.
func (u *Upload) pace(bytes int64, waited time.Duration) error {
	u.came += bytes
	if u.waited += waited; u.waited < u.Limits.Window {
		return nil
	}
	slow := u.came < u.Limits.Bytes
	u.waited, u.came = 0, 0
	if slow {
		return &UploadError{os.ErrDeadlineExceeded}
	}
	return nil
}

// errInterrupted ends an upload that cannot succeed any more; the use case says why.
var errInterrupted = errors.New("upload was interrupted")

// errStopping ends an upload because the process stops.
var errStopping = errors.New("service is stopping")

// Interrupt makes a Read that waits, and every later one, return at once with an error. An upload that is whole goes
// on.
func (u *Upload) Interrupt() { u.end(errInterrupted) }

func (u *Upload) end(cause error) {
	if u.whole.Load() {
		return
	}
	u.over.CompareAndSwap(nil, &UploadError{cause})
	_ = u.deadline(time.Unix(1, 0)) // a connection that is gone ends the Read by itself
}

// EndWhen ends the upload some time after stop is closed, until done is called.
func (u *Upload) EndWhen(stop <-chan struct{}) (done func()) {
	finished := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-finished:
			return
		case <-stop:
		}
		select {
		case <-finished:
		case <-time.After(u.Limits.StopWait):
			u.end(errStopping)
		}
	}()
	return func() {
		close(finished)
		<-ended
	}
}

// UploadError is the error of an upload that was not read to its end.
type UploadError struct{ cause error }

func (e *UploadError) Error() string { return "read upload: " + e.cause.Error() }

// Unwrap returns the cause.
func (e *UploadError) Unwrap() error { return e.cause }

// Explain returns the answer.
func (e *UploadError) Explain() *domain.Error {
	const hint = "nothing of it was kept: send it again"
	switch {
	case errors.Is(e.cause, os.ErrDeadlineExceeded):
		return api.RequestTimeoutError("the upload stood still, or came too slowly", hint+", from a faster connection")
	case errors.Is(e.cause, errStopping):
		return domain.UnavailableError("the service stops, so the upload was ended", hint+" in a minute")
	}
	return api.MalformedError("the upload ended early", hint)
}
