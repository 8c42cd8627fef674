package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

const (
	// maxSecret is the most bytes of a file that holds one secret.
	maxSecret = 4 << 10
	// SecretPatience is the time that a pipe may take to give it.
	SecretPatience = 5 * time.Second
)

// ReadSecret reads a file that holds a secret. The name may be that of a pipe or of a device, which have no end or give
// nothing: no more than maxSecret bytes are read, and a pipe is waited for no longer than patience. No error repeats
// the name, which is the secret itself where a person confuses two settings.
func ReadSecret(path string, patience time.Duration) ([]byte, error) {
	return readAtMost(path, maxSecret, patience)
}

// readAtMost reads a file as ReadSecret does, of at most limit bytes.
func readAtMost(path string, limit int64, patience time.Duration) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", withoutPath(err))
	}
	defer func() { _ = f.Close() }()                // it was only read
	_ = f.SetReadDeadline(time.Now().Add(patience)) // what has no deadline is a file, which is never waited for
	body, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fmt.Errorf("the file has no end: nothing came for %s", patience)
	case err != nil:
		return nil, fmt.Errorf("read the file: %w", withoutPath(err))
	case int64(len(body)) > limit:
		return nil, fmt.Errorf("the file has more than %d bytes, so it holds something else than it should", limit)
	}
	return body, nil
}

// withoutPath returns the error of a file without the file's name.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
