package moneyhttp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"bestow/internal/obs"
	"bestow/money/moneyhttp/wire"
)

// requestKey is the request's id in logs.
const requestKey = "request_id"

const headerRequestID = "X-Request-Id"

type requestIDKey struct{}

// requestID is the id of the request that ctx belongs to.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// saneID is an id of a caller that can stand in a log.
var saneID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

type arrivalKey struct{}

// arrivalOf is when the request came to which ctx belongs.
func arrivalOf(ctx context.Context) time.Time {
	at, known := ctx.Value(arrivalKey{}).(time.Time)
	if !known {
		return time.Now()
	}
	return at
}

// noteArrival is for what counts from a request's arrival, before its body is read.
func noteArrival(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), arrivalKey{}, time.Now())))
	})
}

// identify names the request, by the caller's X-Request-Id if that can stand in a log.
func identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(headerRequestID)
		if !saneID.MatchString(id) {
			id = strings.ToLower(rand.Text())
		}
		w.Header().Set(headerRequestID, id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

// answerWriter remembers how a request was answered.
type answerWriter struct {
	http.ResponseWriter

	status int
	bytes  int64
}

// WriteHeader notes the status.
func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (w *answerWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach what this does not do.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observe counts each request and writes a line of it: refusals at info, the rest at debug. The path of a request that
// met no route is left out, and so is the query: a member id may stand in them.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &answerWriter{ResponseWriter: w}
		met := &route{}
		defer func() {
			s.metrics.answered(met.pattern, seen.status, time.Since(began))
			level := slog.LevelDebug
			if seen.status >= http.StatusBadRequest {
				level = slog.LevelInfo
			}
			s.log.LogAttrs(r.Context(), level, "request", slog.String("method", r.Method),
				slog.String("route", met.pattern),
				slog.Int("status", seen.status), slog.Int64("bytes", seen.bytes), slog.String("remote", r.RemoteAddr),
				slog.Float64("took_ms", float64(time.Since(began).Microseconds())/1000),
				slog.String(requestKey, requestID(r.Context())))
		}()
		next.ServeHTTP(seen, r.WithContext(context.WithValue(r.Context(), routeKey{}, met)))
	})
}

type routeKey struct{}

// route is the route that a request met, written by knownRoutes and read by observe.
type route struct{ pattern string }

// recoverPanic logs a panic once, under the request's id, and answers that the outcome is unknown. Where the answer has
// begun already the connection is cut, so that half of an answer does not look whole.
func (s *Server) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			cause, ok := v.(error)
			if !ok {
				cause = fmt.Errorf("%v", v)
			}
			seen, _ := w.(*answerWriter)
			if errors.Is(cause, http.ErrAbortHandler) || seen != nil && seen.status != 0 {
				s.log.ErrorContext(r.Context(), "answer was cut", requestKey, requestID(r.Context()), obs.Err, cause)
				panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way of cutting a connection
			}
			s.log.ErrorContext(r.Context(), "request panicked", requestKey, requestID(r.Context()), obs.Err, cause,
				"stack", string(debug.Stack()))
			s.write(w, r, newProblem(wire.CodeUnknownOutcome, "the request was broken off",
				"send it again with the same keys: nothing happens twice"))
		}()
		next.ServeHTTP(w, r)
	})
}

// secureHeaders keep an answer, which may hold a PIN, out of caches, and its type from being guessed.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// authenticate lets a request with the token through. The description of the API is for all.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, given := strings.Cut(r.Header.Get("Authorization"), " ")
		given = given && strings.EqualFold(scheme, "Bearer")
		sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
		right := given && subtle.ConstantTimeCompare(sum[:], s.token[:]) == 1
		if right || r.URL.Path == wire.Prefix+"/openapi.json" {
			next.ServeHTTP(w, r)
			return
		}
		p := newProblem(wire.CodeUnauthorized, "the request has no token",
			"send it as `Authorization: Bearer TOKEN`, the one in BESTOW_MONEY_TOKEN")
		challenge := `Bearer realm="bestow money"`
		if given {
			p.Detail = "the token is not valid"
			challenge += `, error="invalid_token"`
		}
		p.header.Set("WWW-Authenticate", challenge)
		s.write(w, r, p)
	})
}

// knownRoutes refuses what is no route of mux, in the words of this API. Nothing is redirected.
func (s *Server) knownRoutes(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, pattern := mux.Handler(r)
		if escaped := r.URL.EscapedPath(); pattern == "" || path.Clean(escaped) != escaped {
			s.refuseRoute(w, r, handler)
			return
		}
		if met, ok := r.Context().Value(routeKey{}).(*route); ok {
			met.pattern = pattern
		}
		mux.ServeHTTP(w, r)
	})
}

// refuseRoute answers for a handler that mux has for what is no route: it knows which methods the path has.
func (s *Server) refuseRoute(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	said := statusOnly{header: http.Header{}}
	handler.ServeHTTP(&said, r)
	if said.status == http.StatusMethodNotAllowed {
		p := newProblem(wire.CodeMethodNotAllowed, "the route does not have this method",
			"the Allow header lists those it has")
		p.header.Set("Allow", said.header.Get("Allow"))
		s.write(w, r, p)
		return
	}
	s.write(w, r, newProblem(wire.CodeNotFound, "there is no such route",
		"GET "+wire.Prefix+"/openapi.json lists all routes"))
}

// statusOnly hears what a handler would answer.
type statusOnly struct {
	header http.Header
	status int
}

// Header returns the headers.
func (w *statusOnly) Header() http.Header { return w.header }

// Write throws the body away.
func (w *statusOnly) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader notes the status.
func (w *statusOnly) WriteHeader(status int) { w.status = status }
