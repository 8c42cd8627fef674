//go:build !unix

package flock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Take cannot lock on this system, and says so.
func Take(context.Context, string, time.Duration) (*os.File, error) {
	return nil, fmt.Errorf("lock a file on this system: %w", errors.ErrUnsupported)
}
