// Package oidc asks the company's identity provider who a person is (OpenID Connect, the code flow with PKCE).
//
// Start with Provider.Begin.
//
// What it must never do: take a token that the provider did not sign for this client and this sign-in, or log a code or
// a token.
package oidc

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bestow/domain"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// Config holds what a Provider needs.
type Config struct {
	Issuer, ClientID, ClientSecret string
	// RoleClaim names the claim that has the person's roles. A dot leads into an object, as in realm_access.roles.
	RoleClaim string
}

// Provider is the company's identity provider. It is asked for its addresses and keys when a person first signs in.
type Provider struct {
	config Config
	client *http.Client

	asking singleflight.Group
	now    func() time.Time

	mu       sync.Mutex
	seen     *oidc.Provider // nil: it has not answered yet
	failure  error          // of the last time that it was asked for its addresses
	failedAt time.Time
}

// quiet is how long a provider that did not answer is left alone: anybody can begin a sign-in.
const quiet = time.Second

// The bounds of a request to the provider.
const (
	requestTimeout = 10 * time.Second
	maxAnswer      = 1 << 20
)

// New returns the provider.
func New(c Config) *Provider {
	return &Provider{config: c, now: time.Now, client: &http.Client{
		Timeout: requestTimeout, Transport: bounded{http.DefaultTransport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// bounded cuts answers that are too long.
type bounded struct{ http.RoundTripper }

// RoundTrip sends the request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}

// Flow is a sign-in that has begun. The person's browser keeps it until the provider sends it back.
type Flow struct{ State, Nonce, Verifier string }

// Begin returns the address at which the person signs in, and the flow. The provider sends the browser back to the
// address redirect. With fresh, it asks the person anew, whatever session it has. Error: domain.Unavailable.
func (p *Provider) Begin(ctx context.Context, redirect string, fresh bool) (string, Flow, error) {
	c, _, err := p.oauth(ctx, redirect)
	if err != nil {
		return "", Flow{}, err
	}
	f := Flow{State: rand.Text() + rand.Text(), Nonce: rand.Text() + rand.Text(), Verifier: oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)}
	if fresh {
		options = append(options, oauth2.SetAuthURLParam("max_age", "0"), oauth2.SetAuthURLParam("prompt", "login"))
	} else {
		options = append(options, oauth2.SetAuthURLParam("max_age", "43200"))
	}
	return c.AuthCodeURL(f.State, options...), f, nil
}

// Identity is whom the provider has signed in.
type Identity struct {
	Issuer, Subject string
	Name            string      // the person's, as the provider has it
	Role            domain.Role // "": the provider gives none of ours
	SignedIn        time.Time   // when the person last showed who they are; zero: the provider does not tell
}

// Finish returns whom the provider has signed in, after it has sent the browser back with state and code. Errors:
// domain.NoSignIn if they are not what it gave for the flow; domain.Unavailable.
func (p *Provider) Finish(ctx context.Context, redirect string, f Flow, state, code string) (Identity, error) {
	if f.State == "" || subtle.ConstantTimeCompare([]byte(f.State), []byte(state)) != 1 {
		return Identity{}, refused("the answer of the identity provider belongs to no sign-in of this browser")
	}
	c, provider, err := p.oauth(ctx, redirect)
	if err != nil {
		return Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := c.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && e.Response.StatusCode < http.StatusInternalServerError {
		return Identity{}, fmt.Errorf("%w: %w", refused("the identity provider does not take the code"), told(e))
	}
	if err != nil {
		return Identity{}, unavailable(told(err))
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := provider.Verifier(&oidc.Config{ClientID: p.config.ClientID}).Verify(ctx, raw)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", refused("the identity provider's token cannot be used"), err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(f.Nonce)) != 1 {
		return Identity{}, refused("the identity provider's token is of another sign-in")
	}
	return p.identity(token)
}

func (p *Provider) identity(token *oidc.IDToken) (Identity, error) {
	if !isSubject(token.Subject) {
		return Identity{}, refused("the token names no subject: sub must have 1 to 255 characters of ASCII")
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return Identity{}, fmt.Errorf("%w: %w", refused("the claims of the token cannot be read"), err)
	}
	if azp := claims["azp"]; azp != nil && azp != p.config.ClientID {
		return Identity{}, refused("the token was made for another client")
	}
	return Identity{
		Issuer: token.Issuer, Subject: token.Subject, Name: cmp.Or(nameOf(claims), token.Subject),
		Role: roleOf(claims, p.config.RoleClaim), SignedIn: signedIn(claims["auth_time"]),
	}, nil
}

// isSubject reports whether a person can be told from others by the subject (OpenID Connect Core 1.0, 2).
func isSubject(sub string) bool {
	return sub != "" && len(sub) <= 255 && !strings.ContainsFunc(sub, func(r rune) bool { return r < ' ' || r > '~' })
}

// nameOf returns the name that the claims give, "" for none. Some providers send email_verified as a text.
func nameOf(claims map[string]any) string {
	email, _ := claims["email"].(string)
	name, _ := claims["preferred_username"].(string)
	if v := claims["email_verified"]; email != "" && (v == true || v == "true") {
		return email
	}
	return name
}

// signedIn reads an auth_time, which some providers send as a text. Zero: it is none.
func signedIn(claim any) time.Time {
	seconds, _ := claim.(float64)
	if text, ok := claim.(string); ok {
		seconds, _ = strconv.ParseFloat(text, 64)
	}
	if seconds > 0 && seconds < maxTime {
		return time.Unix(int64(seconds), 0)
	}
	return time.Time{}
}

// maxTime is in the year 5138.
const maxTime = 1e11

// roleOf returns the highest role that the claim gives: by a value such as admin or bestow-admin, in any letter case.
func roleOf(claims map[string]any, claim string) (role domain.Role) {
	var given []string
	switch v := claimOf(claims, claim).(type) {
	case string:
		given = []string{v} // whole: a job title such as "Database Admin" is no role
	case []any:
		for _, one := range v {
			if text, ok := one.(string); ok {
				given = append(given, text)
			}
		}
	}
	for _, r := range domain.Roles() {
		if slices.ContainsFunc(given, func(text string) bool {
			return strings.TrimPrefix(strings.ToLower(text), "bestow-") == string(r)
		}) {
			role = r
		}
	}
	return role
}

// claimOf returns the claim with the name, or what a path with dots leads to.
func claimOf(claims map[string]any, name string) any {
	if v, ok := claims[name]; ok {
		return v
	}
	first, rest, more := strings.Cut(name, ".")
	if inner, ok := claims[first].(map[string]any); ok && more {
		return claimOf(inner, rest)
	}
	return nil
}

// oauth returns the provider, and how this client speaks to it. Error: domain.Unavailable.
func (p *Provider) oauth(ctx context.Context, redirect string) (*oauth2.Config, *oidc.Provider, error) {
	seen, err := p.known()
	if seen == nil && err == nil {
		seen, err = p.ask(ctx)
	}
	if err != nil {
		return nil, nil, unavailable(err)
	}
	return &oauth2.Config{
		ClientID: p.config.ClientID, ClientSecret: p.config.ClientSecret, Endpoint: seen.Endpoint(),
		RedirectURL: redirect, Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}, seen, nil
}

// known returns the provider if it has answered once, or its failure of a moment ago, or neither.
func (p *Provider) known() (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil && p.now().Sub(p.failedAt) < quiet {
		return nil, p.failure
	}
	return p.seen, nil
}

// ask asks the provider for its addresses: all who wait share one request.
func (p *Provider) ask(ctx context.Context) (*oidc.Provider, error) {
	// Its keys are read later, with the same context: a request's would have ended.
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), p.client)
	v, err, _ := p.asking.Do("", func() (any, error) {
		seen, err := oidc.NewProvider(ctx, p.config.Issuer)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.seen, p.failure, p.failedAt = seen, err, p.now()
		return seen, err
	})
	if err != nil {
		return nil, fmt.Errorf("ask the identity provider for its addresses: %w", err)
	}
	seen, _ := v.(*oidc.Provider)
	return seen, nil
}

// told returns what the log may have of a failed exchange: the provider's error without the body of its answer.
func told(err error) error {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return fmt.Errorf("the provider answers %d: %s %s", e.Response.StatusCode, e.ErrorCode, e.ErrorDescription)
	}
	return err
}

func refused(why string) error {
	return domain.CompanySignInError(why, "sign in again at /auth/oidc/start")
}

func unavailable(err error) error {
	return fmt.Errorf("%w: %w", domain.UnavailableError("the company's identity provider does not answer",
		"try again in a few seconds; the log of the service says more"), err)
}
