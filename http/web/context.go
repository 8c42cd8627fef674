package web

import (
	"context"

	"bestow/app/command"
	"bestow/domain"
)

// RequestKey is the request's id in logs.
const RequestKey = "request_id"

// SessionCookie holds the token of a person's session. By its name, browsers take it over HTTPS alone, and from this
// host alone.
const SessionCookie = "__Host-bestow"

// LocalCookie is the same for a development on this machine: at http://localhost, not all browsers take the other one.
const LocalCookie = "bestow-local"

type requestIDKey struct{}

// WithRequestID returns ctx as that of the request with the id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the id of the request that ctx belongs to.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

type principalKey struct{}

// WithPrincipal returns ctx as that of a request by the principal.
func WithPrincipal(ctx context.Context, p domain.Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// Principal returns who sent the request; the zero value for a request that needs no key.
func Principal(ctx context.Context) domain.Principal {
	p, _ := ctx.Value(principalKey{}).(domain.Principal)
	return p
}

type accessKey struct{}

// WithAccess returns ctx as that of a request whose caller may go on as long as mayGoOn says so.
func WithAccess(ctx context.Context, mayGoOn func(context.Context) bool) context.Context {
	return context.WithValue(ctx, accessKey{}, mayGoOn)
}

// MayGoOn reports whether the caller of a request that goes on for long still has the access that the request began
// with: a key may be revoked meanwhile, and a session may end.
func MayGoOn(ctx context.Context) bool {
	mayGoOn, given := ctx.Value(accessKey{}).(func(context.Context) bool)
	return !given || mayGoOn(ctx)
}

// Actor returns the name of who sent the request.
func Actor(ctx context.Context) string { return Principal(ctx).Name }

// CallerOf returns who sent the request, for a change that takes no Idempotency-Key.
func CallerOf(ctx context.Context) command.Caller {
	p := Principal(ctx)
	return command.Caller{Actor: p.Name, KeyID: p.KeyID, SessionID: p.SessionID, RequestID: RequestID(ctx)}
}

type stopKey struct{}

// WithStop returns ctx as that of a request whose listener stops when stop is closed.
func WithStop(ctx context.Context, stop <-chan struct{}) context.Context {
	return context.WithValue(ctx, stopKey{}, stop)
}

// Stopping returns a channel that is closed when the request's listener stops. It is nil if the listener does not say
// so.
func Stopping(ctx context.Context) <-chan struct{} {
	stop, _ := ctx.Value(stopKey{}).(<-chan struct{})
	return stop
}
