package people

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"bestow/app/oidc"
	"bestow/app/people"
	"bestow/domain"
	"bestow/http/web"
)

// flowSuffix is added to the name of a session's cookie for the one that keeps a sign-in which has begun, until the
// identity provider sends the browser back.
const flowSuffix = "-oidc"

// flowLasts is how long a person may take at the identity provider.
const flowLasts = 10 * time.Minute

// callback is the path to which the identity provider sends the browser back.
const callback = "/auth/oidc/callback"

// BeginCompany sends the browser to the company's identity provider.
func (h *Handlers) BeginCompany(w http.ResponseWriter, r *http.Request) error {
	if h.company == nil {
		return noCompany()
	}
	if err := h.people.Admit(web.AddressOf(r.RemoteAddr)); err != nil { // the first one asks the provider for its addresses
		return err
	}
	address, flow, err := h.company.Begin(r.Context(), origin(r)+callback, r.URL.Query().Get("fresh") == "true")
	if err != nil {
		h.api.Warn(r.Context(), "a sign-in at the identity provider cannot begin", err)
		return err
	}
	w.Header().Add("Set-Cookie", web.Cookie(h.flowCookie(r), writeFlow(flow), flowLasts))
	http.Redirect(w, r, address, http.StatusFound) //nolint:gosec // G710: the provider's, as the settings name it
	return nil
}

// FinishCompany signs in whom the identity provider names.
func (h *Handlers) FinishCompany(w http.ResponseWriter, r *http.Request) error {
	if h.company == nil {
		return noCompany()
	}
	w.Header().Add("Set-Cookie", web.Cookie(h.flowCookie(r), "", -1)) // it is good once
	kept := ""
	if c, err := r.Cookie(h.flowCookie(r)); err == nil {
		kept = c.Value
	}
	query := r.URL.Query()
	if why := query.Get("error"); why != "" {
		return domain.CompanySignInError("the identity provider refuses the sign-in", "sign in again at /auth/oidc/start")
	}
	if err := h.people.Admit(web.AddressOf(r.RemoteAddr)); err != nil {
		return err
	}
	id, err := h.company.Finish(r.Context(), origin(r)+callback, readFlow(kept), query.Get("state"), query.Get("code"))
	if err != nil {
		h.api.Warn(r.Context(), "a sign-in at the identity provider failed", err)
		return err
	}
	_, token, err := h.people.SignInEmployee(r.Context(), employee(id), people.Credentials{
		Address: web.AddressOf(r.RemoteAddr), RequestID: web.RequestID(r.Context()),
	}, h.api.SessionToken(web.ArrivalOf(r), r.Cookies()))
	if err != nil {
		return err
	}
	w.Header().Add("Set-Cookie", h.api.SessionHeader(web.ArrivalOf(r), token))
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func employee(id oidc.Identity) people.Employee {
	e := people.Employee{Issuer: id.Issuer, Subject: id.Subject, Name: id.Name, Role: id.Role}
	if !id.SignedIn.IsZero() {
		e.FreshFor = people.Fresh - time.Since(id.SignedIn)
	}
	return e
}

func noCompany() error {
	return domain.NotFoundError("no identity provider is set", "set BESTOW_OIDC_ISSUER, or sign in with a password")
}

func (h *Handlers) flowCookie(r *http.Request) string {
	return h.api.SessionCookieAt(web.ArrivalOf(r)) + flowSuffix
}

// origin returns how the browser calls this service: over HTTPS, unless it is on this machine.
func origin(r *http.Request) string {
	if web.IsLocal(r.Host) {
		return "http://" + r.Host
	}
	return "https://" + r.Host
}

func writeFlow(f oidc.Flow) string {
	return base64.RawURLEncoding.EncodeToString([]byte(f.State + " " + f.Nonce + " " + f.Verifier))
}

// readFlow returns the flow that the cookie has, an empty one if it has none.
func readFlow(text string) oidc.Flow {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	parts := strings.Split(string(raw), " ")
	if err != nil || len(parts) != 3 {
		return oidc.Flow{}
	}
	return oidc.Flow{State: parts[0], Nonce: parts[1], Verifier: parts[2]}
}
