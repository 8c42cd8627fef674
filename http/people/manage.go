package people

import (
	"context"

	"bestow/app/people"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// ListIn is a request for a page of people and services.
type ListIn struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor string `query:"cursor" maxLength:"100" doc:"next_cursor of the page before"`
}

// ListOut is a page of people and services.
type ListOut struct{ Body People }

// List answers with people and services, the newest first.
func (h *Handlers) List(ctx context.Context, in *ListIn) (*ListOut, error) {
	before, err := web.PersonCursor.Read(in.Cursor)
	if err != nil {
		return nil, err
	}
	all, err := h.people.List(ctx, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	all, next := web.Page(all, in.Limit, func(p people.Principal) string { return web.PersonCursor.Write(p.ID) })
	out := &ListOut{People{Items: make([]Person, len(all)), NextCursor: next}}
	for i, p := range all {
		out.Body.Items[i] = wirePerson(p)
	}
	return out, nil
}

// Get answers with a person or a service.
func (h *Handlers) Get(ctx context.Context, in *web.ByID) (*PersonOut, error) {
	p, err := h.people.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return personOut(p), nil
}

// EditIn is a request to change the access of a person or a service.
type EditIn struct {
	web.Because

	ID      int64  `path:"id" minimum:"1"`
	IfMatch string `header:"If-Match" doc:"only if the access is still as it was read"`
	Body    web.Body[PersonPatch]
}

// PersonOut is an answer with a person or a service.
type PersonOut struct {
	ETag string `header:"ETag" doc:"of the access: the role, and whether it is taken away; for If-Match"`
	Body Person
}

// access is what PATCH changes, of which the ETag is.
type access struct {
	ID       int64
	Role     domain.Role
	Disabled bool
}

func personOut(p people.Principal) *PersonOut {
	return &PersonOut{ETag: web.Tag(access{p.ID, p.Role, p.DisabledAt != nil}), Body: wirePerson(p)}
}

// DescribeEdit describes the route of Edit.
func (h *Handlers) DescribeEdit(o *huma.Operation) {
	o.Description = "A JSON merge patch: what is absent stays. Sessions and open links of the principal end, and within " +
		"15 seconds keys have the new access. No one changes their own access (422); `bestow admin` on the host does."
	o.RequestBody = web.MergePatchOf[PersonPatch](h.api, "PersonPatch")
}

// Edit changes the access of a person or a service.
func (h *Handlers) Edit(ctx context.Context, in *EditIn) (*PersonOut, error) {
	wire, unread, err := in.Body.Patch()
	if err != nil {
		return nil, err
	}
	unread = append(unread, in.Body.Cleared(&wire.Role, &wire.Disabled)...)
	e := people.Edit{Disabled: wire.Disabled, Unread: unread, Was: func(role domain.Role, disabled bool) error {
		return web.Match(in.IfMatch, web.Tag(access{in.ID, role, disabled}), "the access")
	}}
	if wire.Role != nil {
		role := domain.Role(*wire.Role)
		e.Role = &role
	}
	p, err := h.people.Edit(ctx, in.Caller(ctx), in.ID, e)
	if err != nil {
		return nil, err
	}
	return personOut(p), nil
}

func wirePerson(p people.Principal) Person {
	kind := "person"
	if p.IsService {
		kind = "service"
	}
	return Person{
		ID: p.ID, Name: p.Name, Kind: kind, Role: string(p.Role), CreatedBy: p.CreatedBy, CreatedAt: p.CreatedAt.UTC(),
		Disabled: p.DisabledAt != nil, DisabledAt: api.UTC(p.DisabledAt), Password: p.Password, Company: p.Company,
		Keys: p.Keys, SeenAt: api.UTC(p.SeenAt),
	}
}
