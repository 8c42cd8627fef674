package entry

import (
	"net/http"

	"bestow/app/people"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/console/page"
	"bestow/http/web"
)

// signInView is what the page of the sign-in shows.
type signInView struct {
	page.View

	Next    string // where the person wanted to go
	Name    string
	Confirm bool // the person is signed in, and shows the password and a code again
	Company bool // people sign in at the company's identity provider
	Key     bool // one may sign in with an API key
}

// signInPage shows the form.
func (h *Handlers) signInPage(w http.ResponseWriter, r *http.Request) error {
	return h.showSignIn(w, r, http.StatusOK, signInView{Next: page.Ours(r.URL.Query().Get("next"))})
}

func (h *Handlers) showSignIn(w http.ResponseWriter, r *http.Request, status int, v signInView) error {
	wrong := v.Wrong
	v.View = h.Blank(r)
	v.Title, v.Wrong = v.T("sign_in"), wrong
	v.Company, v.Key = h.App.Company != nil, h.checkKey != nil
	return page.Show(w, r, status, signInTempl(v))
}

// signIn begins a session with a password and a code, or, in development, with an API key.
func (h *Handlers) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	next := page.Ours(r.PostForm.Get("next"))
	if key := r.PostForm.Get("key"); key != "" && h.checkKey != nil {
		return h.signInWithKey(w, r, key, next)
	}
	_, token, err := h.App.People.SignIn(r.Context(), credentials(r, r.PostForm.Get("name")),
		h.API.SessionToken(web.ArrivalOf(r), r.Cookies()))
	if err != nil {
		return h.refuseSignIn(w, r, signInView{Next: next, Name: r.PostForm.Get("name")}, err)
	}
	w.Header().Add("Set-Cookie", h.API.SessionHeader(web.ArrivalOf(r), token))
	return page.GoTo(w, r, next)
}

func credentials(r *http.Request, name string) people.Credentials {
	return people.Credentials{
		Name: name, Password: r.PostForm.Get("password"), Code: r.PostForm.Get("code"),
		Address: web.AddressOf(r.RemoteAddr), RequestID: web.RequestID(r.Context()),
	}
}

// refuseSignIn shows the form again with what was wrong. What is our fault is not told here.
func (h *Handlers) refuseSignIn(w http.ResponseWriter, r *http.Request, v signInView, err error) error {
	p := h.API.Problem(r.Context(), err)
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	v.Wrong = &p.Problem
	return h.showSignIn(w, r, p.Status, v)
}

// signInWithKey lets the browser send the key as a cookie. It is for a development on this machine: such a session
// cannot be ended but by revoking the key.
func (h *Handlers) signInWithKey(w http.ResponseWriter, r *http.Request, key, next string) error {
	if !h.API.TakesKeyCookie(web.ArrivalOf(r)) {
		return h.refuseSignIn(w, r, signInView{Next: next}, domain.NoSignInError())
	}
	if err := h.checkKey(r.Context(), key, web.AddressOf(r.RemoteAddr)); err != nil {
		return h.refuseSignIn(w, r, signInView{Next: next}, err)
	}
	showKey(w, key)
	return page.GoTo(w, r, next)
}

// showKey lets the browser show the key from now on, and nothing that it had before.
func showKey(w http.ResponseWriter, key string) {
	page.SignedOut(w)
	w.Header().Add("Set-Cookie", web.KeyHeader(key))
}

// signOut ends the session, and takes its cookies away.
func (h *Handlers) signOut(w http.ResponseWriter, r *http.Request) error {
	if web.Principal(r.Context()).SessionID != 0 {
		if err := h.App.People.SignOut(r.Context(), web.CallerOf(r.Context())); err != nil {
			return err
		}
	}
	page.SignedOut(w)
	return page.GoTo(w, r, page.Home+"/sign-in")
}

// confirmPage asks for the password and a code again, for what is dangerous.
func (h *Handlers) confirmPage(w http.ResponseWriter, r *http.Request) error {
	return h.showSignIn(w, r, http.StatusOK, signInView{
		Next: page.Ours(r.URL.Query().Get("next")), Name: web.Principal(r.Context()).Name, Confirm: true,
	})
}

// confirm makes the session fresh.
func (h *Handlers) confirm(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	who := web.Principal(r.Context())
	if who.SessionID == 0 {
		return api.BadRequestError("the request comes with an API key, which is always fresh", "go on")
	}
	_, token, err := h.App.People.Refresh(r.Context(), who.SessionID, credentials(r, who.Name))
	next := page.Ours(r.PostForm.Get("next"))
	if err != nil {
		return h.refuseSignIn(w, r, signInView{Next: next, Name: who.Name, Confirm: true}, err)
	}
	w.Header().Add("Set-Cookie", h.API.SessionHeader(web.ArrivalOf(r), token))
	return page.GoTo(w, r, next)
}

// companyPath leads to the company's identity provider.
func companyPath(fresh bool) string {
	if fresh {
		return "/auth/oidc/start?fresh=true"
	}
	return "/auth/oidc/start"
}
