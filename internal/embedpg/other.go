//go:build !unix

package embedpg

import (
	"context"
	"errors"
	"log/slog"
	"syscall"
)

// errSystem is the error of Start here: postgres runs our way only on Linux and macOS.
var errSystem = errors.New("this system cannot run a PostgreSQL of our own: set DATABASE_URL to one")

type account struct{}

func chooseAccount() (account, error) { return account{}, errSystem }

func (account) other() bool { return false }

func (account) own(string) error { return nil }

func (account) reach(string) error { return nil }

func (account) attr(bool) *syscall.SysProcAttr { return nil }

func onThread[T any](f func() (T, error)) (T, error) { return f() }

func guard(int) (func(), error) { return nil, errSystem }

func stopOrphans(context.Context, string, *slog.Logger) error { return errSystem }
