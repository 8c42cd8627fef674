package console

import (
	"net/http"
	"net/url"

	"bestow/domain"
	"bestow/http/api"
)

// problemView is what the page of a refusal shows.
type problemView struct {
	view

	problem problem
}

// Refuse answers a browser with a page that says what is wrong. One that is not signed in is led to the sign-in, and
// back afterwards.
func (h *Handlers) Refuse(w http.ResponseWriter, r *http.Request, err error) error {
	p := h.API.Problem(r.Context(), err)
	for name, values := range p.GetHeaders() {
		if name != "Www-Authenticate" { // a browser would ask for a password by a window of its own
			w.Header()[name] = values
		}
	}
	back := Home
	if r.Method == http.MethodGet {
		back = r.URL.RequestURI()
	}
	switch p.Code {
	case api.Unauthorized:
		signedOut(w) // what the browser showed is good for nothing, and would count as a guess again and again
		return goTo(w, r, Home+"/sign-in?next="+url.QueryEscape(back))
	case api.StepUpNeeded:
		return goTo(w, r, Home+"/confirm?next="+url.QueryEscape(Home))
	}
	v := problemView{h.blank(r), p.Problem}
	v.Title, v.Path = v.T("problem"), back
	return show(w, r, p.Status, problemPage(v))
}

// says returns what a refusal is in the person's language, and what to do. What the catalogues do not know is told as
// the API tells it.
func (v view) says(p api.Problem) (what, cure string) {
	return v.Or("problem."+p.Code, p.Title), v.Or("cure."+p.Code, p.Hint)
}

// cause returns what a reason is in the person's language.
func (v view) cause(code domain.Code, text string) string { return v.Or("reason."+code, text) }
