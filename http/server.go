package http

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"bestow/app"
	"bestow/app/sheet"
	"bestow/http/access"
	"bestow/http/auth"
	"bestow/http/console"
	"bestow/http/console/entry"
	"bestow/http/events"
	"bestow/http/inspect"
	"bestow/http/ledger"
	"bestow/http/lists"
	"bestow/http/people"
	"bestow/http/types"
	"bestow/http/web"
	"bestow/internal/obs"

	"github.com/labstack/echo/v4"
)

// Config holds what the server needs.
type Config struct {
	App      *app.App
	AdminKey string           // the key of role admin; "": every request is refused
	RiverUI  http.Handler     // with the prefix /river; nil: there is none
	Guesses  auth.GuessLimits // zero: the defaults
	PerKey   auth.KeyLimit    // zero: the default
	Uploads  web.UploadLimits // zero: the defaults
	// LocalCookies lets people sign in at http://localhost: not in production.
	LocalCookies bool
	Link         *entry.Link // signs in to the console once; nil: there is none
	Zone         string      // in which the console shows moments, by its IANA name; "": Asia/Seoul
	Version      string      // of the program, for the console; "": not shown
	// TrustedProxies are the networks of the proxies that say in X-Forwarded-For where a request comes from.
	TrustedProxies []netip.Prefix
	// Answered is called after each request that is not a stream, with its route, "" for none. It may be nil.
	Answered func(method, route string, status int, took time.Duration)
	Log      *slog.Logger // nil: nothing is logged
}

// Validate returns an error that says what c lacks.
func (c Config) Validate() error {
	if c.App == nil {
		return errors.New("configure API: App is missing")
	}
	return nil
}

// server puts the rooms together, and serves the pages around the API.
type server struct {
	echo    *echo.Echo
	api     *web.API
	log     *slog.Logger
	riverUI http.Handler
	guard   *auth.Guard
	events  *events.Handlers
	lists   *lists.Handlers
	inspect *inspect.Handlers
	access  *access.Handlers
	types   *types.Handlers
	ledger  *ledger.Handlers
	people  *people.Handlers
	console *console.Handlers
	rules   map[string]auth.Rule // of the API's routes

	answered func(method, route string, status int, took time.Duration) // Config.Answered
}

// New returns the handler for BESTOW_ADDR, or an error that says what c lacks.
func New(c Config) (http.Handler, error) {
	s, err := newServer(c)
	if err != nil {
		return nil, err
	}
	return s.echo, nil
}

func newServer(c Config) (*server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect() // of RemoteAddr, which findClient sets
	s := &server{
		echo:    e,
		api:     web.New(e, c.Log),
		log:     c.Log,
		riverUI: c.RiverUI,

		answered: c.Answered,
	}
	s.api.LocalCookies = c.LocalCookies
	var err error
	s.guard, err = auth.New(auth.Config{
		AdminKey: c.AdminKey, Keys: c.App.Access, Sessions: c.App.People, Guesses: c.Guesses, PerKey: c.PerKey,
		RuleOf: s.ruleOf, API: s.api,
	})
	if err != nil {
		return nil, err
	}
	s.events = events.New(c.App, s.api, c.Log)
	s.lists = lists.New(c.App.Targets, c.App.Uploads, c.Uploads, s.api)
	s.inspect = inspect.New(c.App, s.api)
	s.access = access.New(c.App)
	s.types = types.New(c.App, s.api, c.Log)
	s.ledger = ledger.New(c.App, s.api, c.Log)
	s.people = people.New(c.App, s.api)
	pages := console.Config{
		App: c.App, API: s.api, Link: c.Link, Zone: c.Zone, Version: c.Version, Production: !c.LocalCookies,
		River: c.RiverUI != nil,
	}
	if c.LocalCookies {
		pages.CheckKey = s.guard.CheckKey
	}
	if s.console, err = console.New(pages); err != nil {
		return nil, err
	}
	e.HTTPErrorHandler = s.answerError
	s.routes(findClient(c.TrustedProxies))
	return s, nil
}

// The limits of a connection. A whole request and its answer have none: an upload or a progress stream may take long,
// and each of their steps has a limit of its own.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// Serve answers requests on l with h until ctx ends. Then it ends streams at once, and gives other requests the time
// grace to finish before it cuts them off. It returns nil after such an end. With a nil log it logs nothing.
func Serve(ctx context.Context, l net.Listener, h http.Handler, grace time.Duration, log *slog.Logger) error {
	log = cmp.Or(log, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context {
			return web.WithStop(context.WithoutCancel(ctx), ctx.Done())
		},
	}
	if err := sheet.CheckRoom(); err != nil {
		log.WarnContext(ctx, "spreadsheets are refused", obs.Err, err)
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		stopped <- shutdown(context.WithoutCancel(ctx), srv, grace)
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return <-stopped
}

func shutdown(ctx context.Context, srv *http.Server, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	if err != nil {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}
