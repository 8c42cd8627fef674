package people

import (
	"context"

	"bestow/app/people"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// SignInIn is a request to sign in.
type SignInIn struct {
	Browser

	Body web.Body[SignIn]
}

// SessionOut is an answer with the session that the browser has from now on.
type SessionOut struct {
	SetCookie string `header:"Set-Cookie"`
	Body      Me
}

// DescribeSignIn describes the route of SignIn.
func (*Handlers) DescribeSignIn(o *huma.Operation) {
	o.Description = "The answer sets the cookie " + web.SessionCookie + ". The session lasts 12 hours at most, and ends " +
		"30 minutes after the last request. A session that the browser had ends. Each refusal is 401 `sign_in_refused`, " +
		"whatever is wrong; after too many, 429."
}

// SignIn begins a session.
func (h *Handlers) SignIn(ctx context.Context, in *SignInIn) (*SessionOut, error) {
	b, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	s, token, err := h.people.SignIn(ctx, people.Credentials{
		Name: b.Name, Password: b.Password, Code: b.Code, Address: in.address, RequestID: web.RequestID(ctx),
	}, h.token(in.Browser))
	if err != nil {
		return nil, err
	}
	return &SessionOut{h.api.SessionHeader(in.arrival, token), wireMe(s)}, nil
}

// MeOut is an answer that says who asks.
type MeOut struct{ Body Me }

// Me answers with who asks.
func (h *Handlers) Me(ctx context.Context, _ *struct{}) (*MeOut, error) {
	p := web.Principal(ctx)
	if p.SessionID == 0 {
		return &MeOut{Me{Name: p.Name, Role: string(p.Role)}}, nil
	}
	s, err := h.people.Session(ctx, p.SessionID)
	if err != nil {
		return nil, err
	}
	return &MeOut{wireMe(s)}, nil
}

// RefreshIn is a request to make the session fresh.
type RefreshIn struct {
	Browser

	Body web.Body[Refresh]
}

// DescribeRefresh describes the route of Refresh.
func (*Handlers) DescribeRefresh(o *huma.Operation) {
	o.Description = "What is dangerous asks for it (401 `step_up_needed`) five minutes after the last time. The answer " +
		"sets the cookie anew: the session's token is another one from now on."
}

// Refresh makes the session fresh.
func (h *Handlers) Refresh(ctx context.Context, in *RefreshIn) (*SessionOut, error) {
	b, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	p := web.Principal(ctx)
	if p.SessionID == 0 {
		return nil, noSession()
	}
	s, token, err := h.people.Refresh(ctx, p.SessionID, people.Credentials{
		Name: p.Name, Password: b.Password, Code: b.Code, Address: in.address, RequestID: web.RequestID(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &SessionOut{h.api.SessionHeader(in.arrival, token), wireMe(s)}, nil
}

// SignedOut is an answer that takes the cookie away.
type SignedOut struct {
	SetCookie string `header:"Set-Cookie"`
}

// SignOutIn is a request to sign out.
type SignOutIn struct{ Browser }

// SignOut ends the caller's session.
func (h *Handlers) SignOut(ctx context.Context, in *SignOutIn) (*SignedOut, error) {
	if web.Principal(ctx).SessionID == 0 {
		return nil, noSession()
	}
	return &SignedOut{h.api.SessionHeader(in.arrival, "")}, h.people.SignOut(ctx, web.CallerOf(ctx))
}

func noSession() error {
	return api.BadRequestError("the request comes with an API key, which has no session", "sign in: POST /session")
}

// SessionsOut is an answer with sessions.
type SessionsOut struct{ Body Sessions }

// ListSessions answers with the sessions that go on.
func (h *Handlers) ListSessions(ctx context.Context, _ *struct{}) (*SessionsOut, error) {
	all, err := h.people.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	out := &SessionsOut{Sessions{Items: make([]Session, len(all))}}
	for i, s := range all {
		out.Body.Items[i] = wireSession(s)
	}
	return out, nil
}

// EndSessionIn is a request to end a session.
type EndSessionIn struct {
	web.Idempotent

	ID int64 `path:"id" minimum:"1"`
}

// EndSession ends the session with the id.
func (h *Handlers) EndSession(ctx context.Context, in *EndSessionIn) (*web.Nothing, error) {
	return nil, h.people.End(ctx, in.Caller(ctx, nil), in.ID)
}
