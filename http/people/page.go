package people

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"bestow/app/people"
	"bestow/http/api"
	"bestow/http/web"
)

// maxForm bounds the bytes of a form.
const maxForm = 16 << 10

//go:embed invite.html
var inviteHTML string

var invitePage = template.Must(template.New("invite").Parse(inviteHTML))

// styleHash returns the hash by which the page's policy allows its style.
func styleHash() string {
	_, style, _ := strings.Cut(inviteHTML, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// view holds what the page shows.
type view struct {
	Token       string
	Name        string // of the person, once the link was opened
	Secret, URI string // to enrol
	QR          template.URL
	Wrong       []string
	Done        bool
}

// InvitePage shows the page behind a link: it enrols a person without a script. To show it changes nothing, so that a
// program which looks at links in messages does not use one up.
func (h *Handlers) InvitePage(w http.ResponseWriter, r *http.Request) {
	h.show(w, http.StatusOK, view{Token: r.URL.Query().Get("token")})
}

// AnswerInvite answers the forms of the page: without a secret, it opens the link; with one, it accepts the invite.
func (h *Handlers) AnswerInvite(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil || r.PostForm.Get("token") == "" {
		h.refuse(w, r, view{}, api.MalformedError("the form is not whole", "open the link again"))
		return
	}
	if r.PostForm.Get("uri") == "" {
		h.openForm(w, r, r.PostForm.Get("token"))
		return
	}
	h.acceptForm(w, r, r.PostForm)
}

func (h *Handlers) openForm(w http.ResponseWriter, r *http.Request, token string) {
	e, err := h.people.Open(r.Context(), token, web.AddressOf(r.RemoteAddr))
	if err != nil {
		h.refuse(w, r, view{}, err)
		return
	}
	h.show(w, http.StatusOK, view{Token: token, Name: e.Name, Secret: e.Secret, URI: e.URI})
}

func (h *Handlers) acceptForm(w http.ResponseWriter, r *http.Request, form url.Values) {
	_, token, err := h.people.Enrol(r.Context(), form.Get("token"), people.Credentials{
		Password: form.Get("password"), Code: form.Get("code"), Address: web.AddressOf(r.RemoteAddr),
		RequestID: web.RequestID(r.Context()),
	})
	if err != nil { // the person's own form has what the phone holds already
		h.refuse(w, r, view{
			Token: form.Get("token"), Name: form.Get("name"), Secret: form.Get("secret"), URI: form.Get("uri"),
		}, err)
		return
	}
	w.Header().Add("Set-Cookie", h.api.SessionHeader(web.ArrivalOf(r), token))
	h.show(w, http.StatusOK, view{Name: form.Get("name"), Done: true})
}

// refuse shows the page with what is wrong.
func (h *Handlers) refuse(w http.ResponseWriter, r *http.Request, v view, err error) {
	p := h.api.Problem(r.Context(), err)
	for _, field := range p.Errors {
		v.Wrong = append(v.Wrong, field.Location[len("body."):]+" "+field.Message)
	}
	if v.Wrong == nil {
		v.Wrong = []string{p.Detail + ": " + p.Hint}
		v.Token, v.URI = "", ""
	}
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	h.show(w, p.Status, v)
}

func (h *Handlers) show(w http.ResponseWriter, status int, v view) {
	if v.URI != "" {
		png, err := people.QR(v.URI)
		if err != nil { // the form was changed by hand
			v.URI, status, v.Wrong = "", http.StatusBadRequest, []string{"the form is not whole: open the link again"}
		}
		v.QR = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png)) //nolint:gosec // G203: our own
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'sha256-"+styleHash()+
		"'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	// Without a referrer a browser sends the form with the origin null, and one that sends no Sec-Fetch-Site beside it
	// could not be told from another site.
	w.Header().Set("Referrer-Policy", "same-origin")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = invitePage.Execute(w, v) // the client is gone
}
