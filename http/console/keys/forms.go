package keys

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"bestow/app/access"
	"bestow/app/people"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/web"

	"golang.org/x/text/unicode/norm"
)

// create makes a key, and shows it this once.
func (h *Handlers) create(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	n := access.NewKey{Name: r.PostForm.Get("name"), Role: domain.Role(r.PostForm.Get("role"))}
	n.ExpiresAt, n.Unread = h.expiry(r)
	made, err := h.App.Access.Create(r.Context(), page.Caller(r), n)
	if err != nil {
		return h.refuse(w, r, "d-key", err)
	}
	v, err := h.read(r)
	if err != nil {
		return err
	}
	v.Key = &made
	return page.Show(w, r, http.StatusCreated, keysPage(v))
}

// expiry returns the end of the day that the form names, nil for none, and what is wrong with it.
func (h *Handlers) expiry(r *http.Request) (*time.Time, []domain.Field) {
	text := strings.TrimSpace(r.PostForm.Get("expires"))
	if text == "" {
		return nil, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, text, h.Blank(r).Zone.Location)
	if err != nil {
		return nil, []domain.Field{{Name: "expires_at", Message: "must be a day such as 2026-09-18"}}
	}
	end := day.AddDate(0, 0, 1).Add(-time.Second)
	return &end, nil
}

// idOf returns the id in the path. Error: domain.NotFound.
func idOf(r *http.Request) (int64, error) {
	id, ok := domain.ParseID(r.PathValue("id"))
	if !ok {
		return 0, domain.NotFoundError("there is no such key, person or service", "list them")
	}
	return id, nil
}

// revoke ends a key, after a person has typed its name.
func (h *Handlers) revoke(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	keys, err := h.App.Access.List(r.Context())
	if err != nil {
		return err
	}
	at := slices.IndexFunc(keys, func(k access.Key) bool { return k.ID == id })
	if at >= 0 && norm.NFC.String(strings.TrimSpace(r.PostForm.Get("typed"))) != keys[at].Name {
		return h.refuse(w, r, revokeDialogOf(keys[at]), domain.InvalidError("the typed name is not that of the key", "",
			domain.Field{Name: "typed", Message: "type the name " + keys[at].Name}))
	}
	if err := h.App.Access.Revoke(r.Context(), page.Caller(r), id); err != nil {
		return h.refuse(w, r, "", err)
	}
	return page.GoTo(w, r, here+"?done=key_revoked")
}

// invite makes a link by which a person sets a password, and shows it this once. A second invite of a person ends the
// first, so the form needs no key of its own.
func (h *Handlers) invite(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	made, err := h.App.People.Invite(r.Context(), page.Caller(r), people.NewInvite{
		Name: r.PostForm.Get("name"), Role: domain.Role(r.PostForm.Get("role")),
	})
	if err != nil {
		return h.refuse(w, r, "d-invite", err)
	}
	v, err := h.read(r)
	if err != nil {
		return err
	}
	v.Made, v.Link = made, web.ArrivalOf(r).Origin+"/invite?token="+made.Token
	return page.Show(w, r, http.StatusCreated, keysPage(v))
}

// edit changes the role of a person or a service, or takes the access away or gives it back, unless somebody has
// changed it since the page was shown.
func (h *Handlers) edit(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	role, choice := domain.Role(r.PostForm.Get("role")), r.PostForm.Get("access")
	disabled := choice == "none"
	_, err = h.App.People.Edit(r.Context(), page.Caller(r), id, people.Edit{
		Role: &role, Disabled: &disabled,
		Was: func(was domain.Role, wasDisabled bool) error {
			if choice != "given" && choice != "none" { // a form without it gives nobody access
				return domain.InvalidError("the access cannot be read", "",
					domain.Field{Name: "access", Message: "must be given or none"})
			}
			if was == role && wasDisabled == disabled { // a form that was sent twice
				return nil
			}
			return web.Match(r.PostForm.Get("seen"), tagOf(id, was, wasDisabled), "the access")
		},
	})
	if err != nil {
		return h.refuse(w, r, "", err)
	}
	return page.GoTo(w, r, here+"?done=access_changed")
}

// tagOf returns the tag of an access.
func tagOf(id int64, role domain.Role, disabled bool) string {
	return web.Tag(struct {
		ID       int64
		Role     domain.Role
		Disabled bool
	}{id, role, disabled})
}

// revokeDialogOf names the dialog of a key.
func revokeDialogOf(k access.Key) string { return "d-revoke-" + page.Number(k.ID) }
