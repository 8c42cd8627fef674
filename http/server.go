package http

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"bestow/app"
	"bestow/http/web"

	"github.com/labstack/echo/v4"
)

// Config holds what the server needs.
type Config struct {
	App      *app.App
	AdminKey string       // the key of role admin; "": every request is refused
	RiverUI  http.Handler // with the prefix /river; nil: there is none
	Guesses  GuessLimits  // zero: the defaults
	Uploads  UploadLimits // zero: the defaults
	Log      *slog.Logger
}

// server serves the API: handlers are its methods.
type server struct {
	echo    *echo.Echo
	app     *app.App
	log     *slog.Logger
	key     [sha256.Size]byte // of the admin's key
	locked  bool              // no key is set
	guesses *guesses
	uploads UploadLimits
	riverUI http.Handler
	api     *web.API
}

// New returns the handler for BESTOW_ADDR.
func New(c Config) http.Handler {
	return newServer(c).echo
}

func newServer(c Config) *server {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect() // anyone can write X-Forwarded-For
	s := &server{
		echo:    e,
		api:     web.New(e, c.Log),
		app:     c.App,
		log:     c.Log,
		key:     sha256.Sum256([]byte(c.AdminKey)),
		locked:  c.AdminKey == "",
		guesses: newGuesses(c.Guesses),
		uploads: cmp.Or(c.Uploads, defaultUploads),
		riverUI: c.RiverUI,
	}
	e.HTTPErrorHandler = s.api.AnswerError
	s.routes()
	return s
}

// The limits of a connection. A whole request and its answer have none: an upload or a progress stream may take long,
// and each of their steps has a limit of its own.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// Serve answers requests on l with h until ctx ends. Then it ends streams at once, and gives other requests the time
// grace to finish before it cuts them off. It returns nil after such an end.
func Serve(ctx context.Context, l net.Listener, h http.Handler, grace time.Duration, log *slog.Logger) error {
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
