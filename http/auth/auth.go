package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"bestow/app/people"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/labstack/echo/v4"
)

// Way says how a caller of a route shows who they are.
type Way int

// The ways. A route that nothing is said of, and an unknown route, needs a key in the
// Authorization header, or a session.
const (
	Keyed   Way = iota // Bearer KEY, or the cookie of a session
	Open               // nothing: `bestow openapi` shows the same to anyone
	Page               // as Keyed, or HTTP Basic with the key as the password, for people with a browser
	Front              // nothing, from a browser; for programs it is no route
	Console            // as Keyed, or on this machine in development the cookie of a key; browsers are led to the sign-in
)

// Rule says what a caller of a route needs.
type Rule struct {
	Way   Way
	Right domain.Right // of the caller's role; "" is domain.Read
	// Fresh routes ask of a session for a password and a code within the last minutes. Keys are not asked.
	Fresh bool
	// Unlimited routes are never refused for the number of requests: those that stop what runs.
	Unlimited bool
}

// Config holds what a Guard needs.
type Config struct {
	AdminKey string      // of the principal admin; "": there is no such key
	Keys     Keys        // all other keys; nil: there are none
	Sessions Sessions    // of people; nil: there are none
	Guesses  GuessLimits // zero: the defaults
	PerKey   KeyLimit    // zero: the default
	// RuleOf returns the rule of the route with the method and the pattern.
	RuleOf func(method, pattern string) Rule
	API    *web.API // writes the refusals
}

// Validate returns an error that says what c lacks.
func (c Config) Validate() error {
	switch {
	case c.RuleOf == nil:
		return errors.New("configure guard: RuleOf is missing")
	case c.API == nil:
		return errors.New("configure guard: API is missing")
	}
	return nil
}

// Keys finds out whose a key is.
type Keys interface {
	// Identify returns the principal that has the key, and whether there is one.
	Identify(ctx context.Context, key string) (domain.Principal, bool, error)
}

// Sessions finds out whose a session is.
type Sessions interface {
	// Identify returns the principal that has the session's token, whether the session is fresh, and whether there is one.
	// Error: people.ErrEnded for a session that there was.
	Identify(ctx context.Context, token string) (p domain.Principal, fresh, found bool, err error)
	// GoesOn reports whether the session may still be used. To ask is no use of it.
	GoesOn(ctx context.Context, sessionID int64) (bool, error)
}

// Guard admits requests that obey their routes' rules.
type Guard struct {
	admin    [sha256.Size]byte // of the admin's key
	hasAdmin bool
	keys     Keys
	sessions Sessions
	guesses  *guesses
	requests *requests
	ruleOf   func(method, pattern string) Rule
	api      *web.API
}

// New returns a Guard, or an error that says what c lacks.
func New(c Config) (*Guard, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Guard{
		admin:    sha256.Sum256([]byte(c.AdminKey)),
		hasAdmin: c.AdminKey != "",
		keys:     c.Keys,
		sessions: c.Sessions,
		guesses:  newGuesses(c.Guesses),
		requests: newRequests(c.PerKey),
		ruleOf:   c.RuleOf,
		api:      c.API,
	}, nil
}

// Authenticate admits a request that obeys its route's rule. Where a request has a key and a session, the key counts.
func (g *Guard) Authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	crossOrigin := http.NewCrossOriginProtection()
	return func(c echo.Context) error {
		rule := g.ruleOf(c.Request().Method, c.Path())
		s := g.shownBy(c.Request(), rule)
		// A browser adds cookies and stored passwords to requests that other sites make it send, so the origin counts too.
		if s.way != byKey && crossOrigin.Check(c.Request()) != nil {
			return domain.NewError(api.CrossSite, "another site may not act here", "do it on this page itself")
		}
		if rule.Way == Open || rule.Way == Front && WantsPage(c.Request()) {
			return next(c)
		}
		p, err := g.admit(c, rule, s)
		if err != nil {
			return err
		}
		ctx := web.WithPrincipal(c.Request().Context(), p)
		ctx = web.WithAccess(ctx, func(ctx context.Context) bool { return g.mayGoOn(ctx, rule, s, p) })
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// mayGoOn reports whether the caller of a request that goes on for long may still do what the route does. A database
// that does not answer ends nothing.
func (g *Guard) mayGoOn(ctx context.Context, rule Rule, s shown, before domain.Principal) bool {
	if s.way == bySession {
		goesOn, err := g.sessions.GoesOn(ctx, before.SessionID)
		return goesOn || err != nil
	}
	now, _, known, err := g.identify(ctx, s)
	return err != nil || known && now.Role.May(cmp.Or(rule.Right, domain.Read))
}

// The ways in which a request shows who sends it.
const (
	byNothing = iota
	byKey
	byPassword // a key that a browser has stored
	bySession
)

// shown holds the key or the token that a request shows.
type shown struct {
	way  int
	text string // the key, or the session's token
}

// shownBy returns what counts of what the request shows.
func (g *Guard) shownBy(r *http.Request, rule Rule) shown {
	if key, given := bearer(r); given {
		return shown{byKey, key}
	}
	if _, key, given := r.BasicAuth(); given && rule.Way == Page {
		return shown{byPassword, key}
	}
	if token := g.api.SessionToken(web.ArrivalOf(r), r.Cookies()); token != "" {
		return shown{bySession, token}
	}
	if key, given := g.api.KeyOf(r); given && rule.Way == Console {
		return shown{byPassword, key}
	}
	return shown{}
}

// WantsPage reports whether the request comes from a browser.
func WantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// bearer returns the key of an Authorization header.
func bearer(r *http.Request) (key string, given bool) {
	scheme, key, given := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(key), given && strings.EqualFold(scheme, "Bearer")
}

// admit returns who sends the request, if they may do what the route does, and refuses every other request.
func (g *Guard) admit(c echo.Context, rule Rule, s shown) (domain.Principal, error) {
	ctx := c.Request().Context()
	if s.way == byNothing {
		return domain.Principal{}, g.unauthorized(ctx, rule, s)
	}
	p, fresh, known, err := g.identify(ctx, s)
	switch {
	case errors.Is(err, people.ErrEnded): // no guess: it was given out here
		return p, g.unauthorized(ctx, rule, s)
	case err != nil:
		return p, err
	case !known:
		if wait := g.guesses.wrong(c.RealIP()); wait > 0 {
			return p, g.tooManyGuesses(ctx, wait, s)
		}
		return p, g.unauthorized(ctx, rule, s)
	case !p.Role.May(cmp.Or(rule.Right, domain.Read)):
		return p, g.forbidden(ctx, p, rule.Right)
	case rule.Fresh && !fresh:
		return p, g.stepUpNeeded(ctx)
	case rule.Unlimited:
		return p, nil
	}
	if wait := g.requests.take(cmp.Or(p.KeyID, -p.SessionID)); wait > 0 {
		return p, g.tooManyRequests(ctx, wait)
	}
	return p, nil
}

// CheckKey returns an error unless there is the key. Wrong ones are counted for the address that they come from.
func (g *Guard) CheckKey(ctx context.Context, key, address string) error {
	s := shown{byKey, key}
	_, _, known, err := g.identify(ctx, s)
	if err != nil || known {
		return err
	}
	if wait := g.guesses.wrong(address); wait > 0 {
		return g.tooManyGuesses(ctx, wait, s)
	}
	return domain.NoSignInError()
}

// identify returns who has the key or the session, whether it is fresh, and whether it is known. A key is always fresh.
func (g *Guard) identify(ctx context.Context, s shown) (p domain.Principal, fresh, known bool, err error) {
	if s.way == bySession {
		if g.sessions == nil {
			return p, false, false, nil
		}
		return g.sessions.Identify(ctx, s.text)
	}
	sum := sha256.Sum256([]byte(s.text))
	if subtle.ConstantTimeCompare(sum[:], g.admin[:]) == 1 && g.hasAdmin {
		return domain.Principal{Name: domain.AdminName, Role: domain.Admin}, true, true, nil
	}
	if g.keys == nil {
		return p, false, false, nil
	}
	p, known, err = g.keys.Identify(ctx, s.text)
	return p, true, known, err
}

// stepUpNeeded refuses a session whose last password and code are too old for what is asked.
func (g *Guard) stepUpNeeded(ctx context.Context) error {
	p := g.api.Problem(ctx, domain.NewError(api.StepUpNeeded,
		"this asks for a password and a code within the last five minutes",
		"send them to POST /session/fresh, or sign in anew at /auth/oidc/start?fresh=true, and ask again"))
	p.GetHeaders().Set("WWW-Authenticate", `Session realm="bestow", error="step_up_needed"`)
	return p
}

// forbidden refuses a caller whose role does not have the right.
func (g *Guard) forbidden(ctx context.Context, p domain.Principal, right domain.Right) error {
	whose, hint := "the key of "+p.Name, "ask an admin for a key whose role is one of needs"
	if p.SessionID != 0 {
		whose, hint = p.Name, "ask a person whose role is one of needs"
	}
	refused := g.api.Problem(ctx, domain.NewError(api.Forbidden,
		whose+" has the role "+string(p.Role)+", which may not do this", hint))
	refused.Role = string(p.Role)
	for _, role := range domain.RolesThatMay(cmp.Or(right, domain.Read)) {
		refused.Needs = append(refused.Needs, string(role))
	}
	return refused
}

// tooManyRequests refuses a request of a key that has sent too many.
func (g *Guard) tooManyRequests(ctx context.Context, wait time.Duration) error {
	return g.tryLater(ctx, wait, domain.NewError(api.TooManyRequests, "this key, or this session, sends too many requests",
		"wait as long as Retry-After says; stop and brake are never refused for this"))
}

// tooManyGuesses refuses a wrong key, or a session that never was, after too many others.
func (g *Guard) tooManyGuesses(ctx context.Context, wait time.Duration, s shown) error {
	if s.way == bySession {
		return g.tryLater(ctx, wait, domain.NewError(api.TooManyRequests,
			"there is no such session, and too many wrong ones came from here, or in all",
			"sign in: POST /session; another wrong one waits as long as Retry-After says"))
	}
	return g.tryLater(ctx, wait, domain.NewError(api.TooManyRequests,
		"the API key is not valid, and too many wrong ones came from here, or in all",
		"send the right key, which never waits; another wrong one waits as long as Retry-After says"))
}

// tryLater refuses with 429, and says how long to wait.
func (g *Guard) tryLater(ctx context.Context, wait time.Duration, e *domain.Error) error {
	p := g.api.Problem(ctx, e)
	p.GetHeaders().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return p
}

// unauthorized returns the refusal of a request without a key and a session, or with a wrong one.
func (g *Guard) unauthorized(ctx context.Context, rule Rule, s shown) error {
	e := domain.NewError(api.Unauthorized, "the request has no API key", "send it as `Authorization: Bearer KEY`")
	challenge := `Bearer realm="bestow"`
	switch s.way {
	case byKey, byPassword:
		e.Message = "the API key is not valid"
		challenge += `, error="invalid_token"`
	case bySession:
		e.Message, e.Hint = "the session has ended", "sign in again: POST /session"
	}
	if !g.hasAdmin && s.way != bySession {
		e.Hint = "make a key with `bestow key create`, or set BESTOW_ADMIN_KEY and start the service again, " +
			"and send it as `Authorization: Bearer KEY`"
	}
	p := g.api.Problem(ctx, e)
	if rule.Way == Page {
		p.Hint += "; in a browser it is the password, with any user name"
		p.GetHeaders().Add("WWW-Authenticate", `Basic realm="bestow", charset="UTF-8"`)
	}
	p.GetHeaders().Add("WWW-Authenticate", challenge)
	return p
}
