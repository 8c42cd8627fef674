package app

import (
	"context"
	"errors"
)

// Import reads a member list into a PENDING event.
func (s *Targets) Import(ctx context.Context, by Caller, eventID int64, u Upload) (ImportResult, error) {
	return ImportResult{}, errors.ErrUnsupported
}
