// Package flock locks a file. One process at a time holds the lock, and it is free as soon as that process has ended.
//
// What it must never do: delete the file (two could then hold two files of one name), or be used on a network file
// system, where flock may mean nothing.
package flock

import (
	"errors"
	"fmt"
)

// ErrInUse is returned by Take when another process, or another Take of this one, still holds the lock.
var ErrInUse = errors.New("another bestow uses it: stop that one, or set BESTOW_DATA_DIR to another folder")

// heldError is [ErrInUse] with the process that holds the lock.
type heldError struct{ pid int }

func (e heldError) Error() string {
	return fmt.Sprintf("another bestow (process %d) uses it: stop that one, or set BESTOW_DATA_DIR to another folder",
		e.pid)
}

func (heldError) Is(target error) bool { return target == ErrInUse }
