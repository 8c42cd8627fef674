package pg

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Code is the SQLSTATE of err, "" if PostgreSQL did not answer with one.
func Code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// Retryable reports whether err is a deadlock or a serialization failure, or that of a statement whose plan was made
// before a migration: the whole transaction may run again.
func Retryable(err error) bool {
	switch Code(err) {
	case SerializationFailure, DeadlockDetected:
		return true
	}
	return stalePlan(err)
}

// stalePlan reports whether a prepared statement's result has changed since it was prepared. pgx prepares it anew.
func stalePlan(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "0A000" && e.Routine == "RevalidateCachedQuery"
}

// Refused reports whether the server does not want us, or we cannot use it: there is no such database, user or
// password, no right to connect, no agreement about TLS, or one of ErrPooled and ErrEncoding. To ask again is no use.
func Refused(err error) bool {
	switch Code(err) {
	case InvalidCatalogName, InvalidPassword, InvalidAuthorization, InsufficientPrivilege:
		return true
	}
	return errors.Is(err, ErrPooled) || errors.Is(err, ErrEncoding) || wall(err) != ""
}

// away are the SQLSTATEs, and the classes of them, that tell of the server's state and not of what it was asked: the
// same statement may succeed in a while. All others are our own mistakes.
var (
	awayClasses = []string{
		"08", // connection
		"40", // rollback: deadlock, serialization
		"53", // resources: disk, memory, connections
		"55", // lock not available, object in use, recovery
		"57", // operator: shutdown, restart, cancel, timeout
		"58", // system: files
		"72", // snapshot too old
		"F0", // configuration file
		"XX", // internal: a damaged page after a crash, an errno that says nothing
	}
	awayCodes = []string{
		ReadOnlyTransaction,
		IdleInTransaction, "25P04", // a session was ended that was idle, or a transaction that was long
		"26000", "42P05", // a prepared statement that the session does not have, or has already: it is another one
		"28000", "28P01", // the password is being changed
		"3D000", // the database is being restored
	}
)

// Unavailable reports whether err means that the database, or the way to it, cannot be used now.
func Unavailable(err error) bool {
	if code := Code(err); code != "" && code != "40002" { // which is a constraint
		return slices.Contains(awayClasses, code[:min(2, len(code))]) || slices.Contains(awayCodes, code) ||
			stalePlan(err)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, ErrReadOnly) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, io.ErrClosedPipe) || pgconn.SafeToRetry(err)
}

// NoSession reports whether err means that the server takes no session, or has ended the one that was used.
func NoSession(err error) bool {
	code := Code(err)
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	return code == TooManyConnections || strings.HasPrefix(code, "08") || strings.HasPrefix(code, "57P")
}

// Violates reports whether err is the violation of the named constraint.
func Violates(err error, constraint string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.ConstraintName == constraint
}
