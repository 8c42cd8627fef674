package page

import (
	"net/http"
	"net/url"

	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"
)

// problemView is what the page of a refusal shows.
type problemView struct {
	View

	problem problem
}

// backField is the field of a form's address that names the page of the form: a person is led back there after the
// password and the code were asked for.
const backField = "back"

// WithBack returns the address of a form that leads back to the page.
func WithBack(action, page string) string {
	return action + "?" + url.Values{backField: {page}}.Encode()
}

// Refuse answers a browser with a page that says what is wrong. One that is not signed in is led to the sign-in, and
// back afterwards.
func (b *Base) Refuse(w http.ResponseWriter, r *http.Request, err error) error {
	p := b.API.Problem(r.Context(), err)
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
		SignedOut(w) // what the browser showed is good for nothing, and would count as a guess again and again
		return GoTo(w, r, Home+"/sign-in?next="+url.QueryEscape(back))
	case api.StepUpNeeded:
		next := placeOf(r.URL.Path)
		if back := r.URL.Query().Get(backField); back != "" {
			next = Ours(back)
		}
		return GoTo(w, r, Home+"/confirm?next="+url.QueryEscape(next))
	}
	v := problemView{b.Blank(r), p.Problem}
	v.Title, v.Path = v.T("problem"), back
	return Show(w, r, p.Status, problemPage(v))
}

// Mistake returns what the page of a form says when it was refused, and the status of that answer. Error: a refusal
// that is no mistake in the form, since it is our fault, or there is no such page.
func (b *Base) Mistake(r *http.Request, err error) (*api.Problem, int, error) {
	p := b.API.Problem(r.Context(), err)
	if p.Status >= http.StatusInternalServerError || p.Status == http.StatusNotFound {
		return nil, 0, p
	}
	return &p.Problem, p.Status, nil
}

// Says returns what a refusal is in the person's language, and what to do. What the catalogues do not know is told as
// the API tells it.
func (v View) Says(p api.Problem) (what, cure string) {
	return v.Or("problem."+p.Code, p.Title), v.Or("cure."+p.Code, p.Hint)
}

// Cause returns what a reason is in the person's language.
func (v View) Cause(code domain.Code, text string) string { return v.Or("reason."+code, text) }

// SignedOut takes away all by which the browser is signed in.
func SignedOut(w http.ResponseWriter) {
	for _, header := range web.SignedOut() {
		w.Header().Add("Set-Cookie", header)
	}
}
