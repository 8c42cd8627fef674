//go:build unix

package flock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Take holds the lock file at path, which is made if absent, until the result is closed or the process ends. It tries
// for limit, because the holder before us may be stopping, and returns ErrInUse after that; a limit of 0 is one try.
func Take(ctx context.Context, path string, limit time.Duration) (*os.File, error) {
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	f, err := dir.OpenFile(filepath.Base(path), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, ErrInUse)
	defer cancel()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			note(f)
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(why(ctx, f), f.Close())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// note writes our process id into the file that we hold. The lock holds without it.
func note(f *os.File) {
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
}

// why returns why Take gives up: if the lock is held, by which process, as far as the file says it.
func why(ctx context.Context, f *os.File) error {
	cause := context.Cause(ctx)
	if !errors.Is(cause, ErrInUse) {
		return cause
	}
	noted := make([]byte, 20)
	n, _ := f.ReadAt(noted, 0) // a short file is an end of file
	pid, err := strconv.Atoi(strings.TrimSpace(string(noted[:n])))
	if err != nil {
		return cause
	}
	return heldError{pid}
}
