package people

import (
	"context"

	"bestow/app/people"
	"bestow/domain"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// InviteIn is a request to invite a person.
type InviteIn struct {
	web.Because

	Body web.Body[NewInvite]
}

// InviteOut is an answer with an invite.
type InviteOut struct{ Body Invite }

// DescribeInvite describes the route of Invite.
func (*Handlers) DescribeInvite(o *huma.Operation) {
	o.Description = "It takes no Idempotency-Key: a second invite of a person ends the first. Give the person the " +
		"address /invite?token=TOKEN of this service. A person who has a password is invited again on the host alone: " +
		"`bestow admin invite NAME`."
}

// Invite makes an invite.
func (h *Handlers) Invite(ctx context.Context, in *InviteIn) (*InviteOut, error) {
	b, unread, err := in.Body.Read()
	if err != nil {
		return nil, err
	}
	made, err := h.people.Invite(ctx, in.Caller(ctx), people.NewInvite{
		Name: b.Name, Role: domain.Role(b.Role), Unread: unread,
	})
	if err != nil {
		return nil, err
	}
	return &InviteOut{Invite{
		ID: made.ID, Name: made.Name, Role: string(made.Role), Token: made.Token, ExpiresAt: made.ExpiresAt.UTC(),
	}}, nil
}

// OpenIn is a request to open an invite.
type OpenIn struct {
	Browser

	Body web.Body[InviteToken]
}

// EnrolmentOut is an answer with a secret to enrol.
type EnrolmentOut struct{ Body Enrolment }

// DescribeOpen describes the route of Open.
func (*Handlers) DescribeOpen(o *huma.Operation) {
	o.Description = "Each call makes another secret, and the last one counts."
}

// Open answers with the secret that the person's phone is to hold.
func (h *Handlers) Open(ctx context.Context, in *OpenIn) (*EnrolmentOut, error) {
	b, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	e, err := h.people.Open(ctx, b.Token, in.address)
	if err != nil {
		return nil, err
	}
	return &EnrolmentOut{Enrolment{
		Name: e.Name, Role: string(e.Role), Secret: e.Secret, URI: e.URI, ExpiresAt: e.ExpiresAt.UTC(),
	}}, nil
}

// AcceptIn is a request to accept an invite.
type AcceptIn struct {
	Browser

	Body web.Body[NewPassword]
}

// DescribeAccept describes the route of Accept.
func (*Handlers) DescribeAccept(o *huma.Operation) {
	o.Description = "It uses the invite up, ends the person's other sessions, and begins one, as POST /session does."
}

// Accept sets the person's password and phone, and signs the person in.
func (h *Handlers) Accept(ctx context.Context, in *AcceptIn) (*SessionOut, error) {
	b, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	s, token, err := h.people.Enrol(ctx, b.Token, people.Credentials{
		Password: b.Password, Code: b.Code, Address: in.address, RequestID: web.RequestID(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &SessionOut{h.api.SessionHeader(in.arrival, token), wireMe(s)}, nil
}
