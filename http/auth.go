package http

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

// adminName is the name of the key in BESTOW_ADMIN_KEY. It stands in created_by.
const adminName = "admin"

// authenticate admits a request that obeys its route's rule.
func (s *server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	crossOrigin := http.NewCrossOriginProtection()
	return func(c echo.Context) error {
		rule := ruleOf(c.Path())
		if rule == open || rule == front && wantsPage(c.Request()) {
			return next(c)
		}
		key, given := bearer(c.Request())
		if !given && rule == page {
			// A browser adds a stored password to requests that other sites make it send, so the origin counts too.
			if _, key, given = c.Request().BasicAuth(); given && crossOrigin.Check(c.Request()) != nil {
				return &domain.Error{
					Code: api.CrossSite, Message: "another site may not act here",
					Hint: "do it on this page itself",
				}
			}
		}
		if err := s.admit(c, rule, key, given); err != nil {
			return err
		}
		c.SetRequest(c.Request().WithContext(web.WithActor(c.Request().Context(), adminName)))
		return next(c)
	}
}

// bearer returns the key of an Authorization header.
func bearer(r *http.Request) (key string, given bool) {
	scheme, key, given := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(key), given && strings.EqualFold(scheme, "Bearer")
}

// admit admits the right key, and refuses every other request. Limits apply only to wrong keys.
func (s *server) admit(c echo.Context, rule rule, key string, given bool) error {
	ctx := c.Request().Context()
	if !given {
		return s.unauthorized(ctx, rule, given)
	}
	sum := sha256.Sum256([]byte(key))
	if subtle.ConstantTimeCompare(sum[:], s.key[:]) == 1 && !s.locked {
		return nil
	}
	if wait := s.guesses.wrong(c.RealIP()); wait > 0 {
		return s.tooManyGuesses(ctx, wait)
	}
	return s.unauthorized(ctx, rule, given)
}

// tooManyGuesses refuses a wrong key with 429, and says how long to wait.
func (s *server) tooManyGuesses(ctx context.Context, wait time.Duration) error {
	p := s.api.Problem(ctx, &domain.Error{
		Code:    api.TooManyRequests,
		Message: "the API key is not valid, and too many wrong ones came from here, or in all",
		Hint:    "send the right key, which never waits; another wrong one waits as long as Retry-After says",
	})
	p.GetHeaders().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return p
}

// unauthorized returns the refusal of a request without a key, or with a wrong one. Only the challenge differs.
func (s *server) unauthorized(ctx context.Context, rule rule, given bool) error {
	e := &domain.Error{
		Code: api.Unauthorized, Message: "the request has no API key",
		Hint: "send it as `Authorization: Bearer KEY`",
	}
	challenge := `Bearer realm="bestow"`
	if given {
		e.Message = "the API key is not valid"
		challenge += `, error="invalid_token"`
	}
	if s.locked {
		e.Hint = "no key exists yet: set BESTOW_ADMIN_KEY, start the service again, " +
			"and send that key as `Authorization: Bearer KEY`"
	}
	p := s.api.Problem(ctx, e)
	if rule == page {
		p.Hint += "; in a browser it is the password, with any user name"
		p.GetHeaders().Add("WWW-Authenticate", `Basic realm="bestow", charset="UTF-8"`)
	}
	p.GetHeaders().Add("WWW-Authenticate", challenge)
	return p
}
