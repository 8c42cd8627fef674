package moneyhttp

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"bestow/money"
	"bestow/money/moneydb"
	"bestow/money/moneyhttp/wire"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/prometheus/client_golang/prometheus"
)

// Config holds what the service is made of.
type Config struct {
	Ledger *moneydb.Ledger
	Token  string       // which each request must bring
	Log    *slog.Logger // nil: silent
}

// Server is the money API of one ledger, an http.Handler. Its routes stand in routes.go.
type Server struct {
	ledger  *moneydb.Ledger
	token   [sha256.Size]byte
	log     *slog.Logger
	clock   ledgerClock
	id      atomic.Pointer[string] // of the ledger
	paired  atomic.Pointer[string] // the installation whose grants are taken
	metrics *metrics
	api     huma.API
	handler http.Handler
}

// New returns the service, or an error that says what is wrong with c.
func New(c Config) (*Server, error) {
	if c.Ledger == nil || c.Token == "" {
		return nil, errors.New("configure money service: it needs a ledger and a token")
	}
	return newServer(c), nil
}

func newServer(c Config) *Server {
	s := &Server{ledger: c.Ledger, token: sha256.Sum256([]byte(c.Token)), log: c.Log, metrics: newMetrics()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.clock = newLedgerClock(func(ctx context.Context) (money.Identity, error) { return s.ledger.Identity(ctx) })
	s.handler = s.routes(http.NewServeMux())
	return s
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Metrics returns what the service counts, for the listener of the process.
func (s *Server) Metrics() []prometheus.Collector { return s.metrics.all() }

// OpenAPI returns the description of the API, OpenAPI 3.1 as indented JSON: the same that a running service serves.
func OpenAPI() ([]byte, error) { return newServer(Config{}).openAPI() }

func (s *Server) openAPI() ([]byte, error) {
	doc, err := json.Marshal(s.api.OpenAPI(), json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write OpenAPI: %w", err)
	}
	v := jsontext.Value(doc)
	if err := v.Indent(jsontext.WithIndent("  ")); err != nil {
		return nil, fmt.Errorf("write OpenAPI: %w", err)
	}
	return append(v, '\n'), nil
}

// newAPI makes huma's part: it documents the routes, and reads and writes their bodies. Its own pages and its links to
// schemas are left out.
func (s *Server) newAPI(mux *http.ServeMux) huma.API {
	format := huma.Format{Marshal: marshal, Unmarshal: unmarshal}
	return humago.NewWithPrefix(mux, wire.Prefix, huma.Config{
		OpenAPI: &huma.OpenAPI{
			Info: &huma.Info{
				Title:   "bestow money",
				Version: "1",
				Description: "A ledger of points and vouchers: each idempotency key is applied once, for ever. " +
					"A request that is refused as a whole gets application/problem+json.",
			},
			Servers: []*huma.Server{{URL: wire.Prefix}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token": {Type: "http", Scheme: "bearer", Description: "the token in BESTOW_MONEY_TOKEN"},
				},
			},
			Security: []map[string][]string{{"token": {}}},
		},
		Formats:       map[string]huma.Format{"application/json": format, "json": format, mergePatch: format},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{s.translate},
	})
}
