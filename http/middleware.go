package http

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"bestow/http/auth"
	"bestow/http/console"
	"bestow/http/web"
	"bestow/internal/obs"

	"github.com/labstack/echo/v4"
)

// findClient sets the RemoteAddr of each request to the client's address, which limits, sessions, the audit and the log
// take. X-Forwarded-For counts from its right end, as far as the trusted proxies wrote it: anyone can write the rest.
func findClient(proxies []netip.Prefix) echo.MiddlewareFunc {
	trusted := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		trusted = append(trusted, echo.TrustIPRange(&net.IPNet{
			IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	direct, client := echo.ExtractIPDirect(), echo.ExtractIPFromXFFHeader(trusted...)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if address := client(c.Request()); address != direct(c.Request()) {
				c.Request().RemoteAddr = net.JoinHostPort(address, "0") // the client's port is not known
			}
			return next(c)
		}
	}
}

// saneID matches a caller's request id that we accept.
var saneID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify gives the request an id: the caller's X-Request-Id if it is fit for a log, or a new one.
func identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !saneID.MatchString(id) {
			id = strings.ToLower(rand.Text())
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		c.SetRequest(c.Request().WithContext(web.WithRequestID(c.Request().Context(), id)))
		return next(c)
	}
}

// logAccess writes one line for each request: changes and refusals at info, the rest at debug. It leaves the query out,
// since it may hold a member id.
func (s *server) logAccess(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		defer func() {
			level := slog.LevelDebug
			if c.Request().Method != http.MethodGet || c.Response().Status >= http.StatusBadRequest {
				level = slog.LevelInfo
			}
			s.log.LogAttrs(c.Request().Context(), level, "request",
				slog.String("method", c.Request().Method), slog.String("path", c.Request().URL.Path),
				slog.Int("status", c.Response().Status), slog.Int64("bytes", c.Response().Size),
				slog.Float64("took_ms", float64(time.Since(began).Microseconds())/1000),
				slog.String("remote", c.RealIP()),
				slog.String(web.RequestKey, web.RequestID(c.Request().Context())))
			s.count(c, time.Since(began))
		}()
		if err := next(c); err != nil {
			c.Error(err)
		}
		return nil
	}
}

// count tells the metrics of a request, unless it is a stream, which takes as long as the client likes.
func (s *server) count(c echo.Context, took time.Duration) {
	stream := strings.HasPrefix(c.Response().Header().Get(echo.HeaderContentType), "text/event-stream")
	if s.answered != nil && !stream {
		s.answered(c.Request().Method, c.Path(), c.Response().Status, took)
	}
}

// recoverPanic logs a panic once, with the request's id, and answers it as our fault. If the answer has begun already,
// it cuts the connection, so that the client does not take half an answer for a whole one.
func (s *server) recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			cause, ok := v.(error)
			if !ok {
				cause = fmt.Errorf("%v", v)
			}
			if errors.Is(cause, http.ErrAbortHandler) { // the handler wants this, and it is no fault
				web.Cut(c.Response())
				return
			}
			s.log.ErrorContext(c.Request().Context(), "request panicked", web.RequestKey, web.RequestID(c.Request().Context()),
				obs.Err, cause, "stack", string(debug.Stack()))
			if err = web.OurFault(); c.Response().Committed {
				web.Cut(c.Response())
			}
		}()
		return next(c)
	}
}

// secureHeaders sets headers for browsers: no sniffing, no framing, no foreign content, no caching.
func (s *server) secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	style := pageStyleHash()
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.ruleOf(c.Request().Method, c.Path()).Way == auth.Page {
			h.Set("Content-Security-Policy",
				"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "+
					"form-action 'self'; frame-ancestors 'none'")
			return next(c)
		}
		if console.Serves(c.Request().URL.Path) {
			h.Set("Content-Security-Policy", console.Policy)
			h.Set("Referrer-Policy", "same-origin") // without it a browser sends a form with the origin null
			h.Set("Cache-Control", "no-store")      // but of assets, which say so themselves
			return next(c)
		}
		h.Set("Content-Security-Policy",
			"default-src 'none'; style-src 'sha256-"+style+
				"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		return next(c)
	}
}
