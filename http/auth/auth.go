package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/labstack/echo/v4"
)

// Rule says what a caller of a route needs.
type Rule int

// The rules. A route without one, and an unknown route, needs the key in the Authorization header.
const (
	Keyed Rule = iota // Bearer KEY
	Open              // nothing: `bestow openapi` shows the same to anyone
	Page              // Bearer KEY, or HTTP Basic with the key as the password, for people with a browser
	Front             // nothing, from a browser; for programs it is no route
)

// Config holds what a Guard needs.
type Config struct {
	AdminKey string                    // "": every request is refused
	Guesses  GuessLimits               // zero: the defaults
	RuleOf   func(pattern string) Rule // the rule of a route
}

// Guard admits requests that obey their routes' rules.
type Guard struct {
	key     [sha256.Size]byte // of the admin's key
	locked  bool              // no key is set
	guesses *guesses
	ruleOf  func(pattern string) Rule
	api     *web.API
}

// New returns a Guard, whose refusals a writes.
func New(c Config, a *web.API) *Guard {
	return &Guard{
		key:     sha256.Sum256([]byte(c.AdminKey)),
		locked:  c.AdminKey == "",
		guesses: newGuesses(c.Guesses),
		ruleOf:  c.RuleOf,
		api:     a,
	}
}

// adminName is the name of the key in BESTOW_ADMIN_KEY. It stands in created_by.
const adminName = "admin"

// Authenticate admits a request that obeys its route's rule.
func (g *Guard) Authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	crossOrigin := http.NewCrossOriginProtection()
	return func(c echo.Context) error {
		rule := g.ruleOf(c.Path())
		if rule == Open || rule == Front && WantsPage(c.Request()) {
			return next(c)
		}
		key, given := bearer(c.Request())
		if !given && rule == Page {
			// A browser adds a stored password to requests that other sites make it send, so the origin counts too.
			if _, key, given = c.Request().BasicAuth(); given && crossOrigin.Check(c.Request()) != nil {
				return &domain.Error{
					Code: api.CrossSite, Message: "another site may not act here",
					Hint: "do it on this page itself",
				}
			}
		}
		if err := g.admit(c, rule, key, given); err != nil {
			return err
		}
		c.SetRequest(c.Request().WithContext(web.WithActor(c.Request().Context(), adminName)))
		return next(c)
	}
}

// WantsPage reports whether the request comes from a browser.
func WantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// bearer returns the key of an Authorization header.
func bearer(r *http.Request) (key string, given bool) {
	scheme, key, given := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(key), given && strings.EqualFold(scheme, "Bearer")
}

// admit admits the right key, and refuses every other request. Limits apply only to wrong keys.
func (g *Guard) admit(c echo.Context, rule Rule, key string, given bool) error {
	ctx := c.Request().Context()
	if !given {
		return g.unauthorized(ctx, rule, given)
	}
	sum := sha256.Sum256([]byte(key))
	if subtle.ConstantTimeCompare(sum[:], g.key[:]) == 1 && !g.locked {
		return nil
	}
	if wait := g.guesses.wrong(c.RealIP()); wait > 0 {
		return g.tooManyGuesses(ctx, wait)
	}
	return g.unauthorized(ctx, rule, given)
}

// tooManyGuesses refuses a wrong key with 429, and says how long to wait.
func (g *Guard) tooManyGuesses(ctx context.Context, wait time.Duration) error {
	p := g.api.Problem(ctx, &domain.Error{
		Code:    api.TooManyRequests,
		Message: "the API key is not valid, and too many wrong ones came from here, or in all",
		Hint:    "send the right key, which never waits; another wrong one waits as long as Retry-After says",
	})
	p.GetHeaders().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return p
}

// unauthorized returns the refusal of a request without a key, or with a wrong one. Only the challenge differs.
func (g *Guard) unauthorized(ctx context.Context, rule Rule, given bool) error {
	e := &domain.Error{
		Code: api.Unauthorized, Message: "the request has no API key",
		Hint: "send it as `Authorization: Bearer KEY`",
	}
	challenge := `Bearer realm="bestow"`
	if given {
		e.Message = "the API key is not valid"
		challenge += `, error="invalid_token"`
	}
	if g.locked {
		e.Hint = "no key exists yet: set BESTOW_ADMIN_KEY, start the service again, " +
			"and send that key as `Authorization: Bearer KEY`"
	}
	p := g.api.Problem(ctx, e)
	if rule == Page {
		p.Hint += "; in a browser it is the password, with any user name"
		p.GetHeaders().Add("WWW-Authenticate", `Basic realm="bestow", charset="UTF-8"`)
	}
	p.GetHeaders().Add("WWW-Authenticate", challenge)
	return p
}
