package web

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"bestow/http/api"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"
)

// RequestTimeout bounds a request that is not a stream. One that waits longer for the database is told to try again.
const RequestTimeout = 15 * time.Second

// maxBody bounds the bytes of a JSON body.
const maxBody = 1 << 20

// API registers the routes of the API, and turns errors into answers.
type API struct {
	huma       huma.API
	log        *slog.Logger
	registered []string // the ids of the routes, in their order

	// LocalCookies lets browsers at http://localhost have sessions: never in production, where a proxy may hide from whom
	// a request comes.
	LocalCookies bool
}

// Arrival holds how a request came to this service.
type Arrival struct {
	Host       string // by which it calls this service
	RemoteAddr string
	Origin     string // of the page that sends it; "" where the browser does not say
	Forwarded  bool   // a proxy says that it has passed the request on
}

// ArrivalOf returns how the request came.
func ArrivalOf(r *http.Request) Arrival {
	a := Arrival{Host: r.Host, RemoteAddr: r.RemoteAddr, Origin: r.Header.Get("Origin")}
	for name := range r.Header {
		a.Forwarded = a.Forwarded || IsForwarding(name)
	}
	return a
}

// IsForwarding reports whether a header with the name says that a proxy has passed a request on.
func IsForwarding(name string) bool {
	name = strings.ToLower(name)
	return slices.Contains([]string{"forwarded", "via", "x-real-ip"}, name) || strings.HasPrefix(name, "x-forwarded-")
}

// SessionCookieAt returns the name of the cookie for the browser whose requests come so. The local one is for a browser
// on this machine alone. A proxy on this machine may call this service by a local host for browsers elsewhere, and may
// not say so; their pages have another origin, which browsers name whenever a person signs in with a password.
func (a *API) SessionCookieAt(at Arrival) string {
	page, plain := strings.CutPrefix(at.Origin, "http://")
	fromHere := at.Origin == "" || plain && IsLocal(page)
	if a.LocalCookies && !at.Forwarded && fromHere && IsLocal(at.Host) && isNear(at.RemoteAddr) {
		return LocalCookie
	}
	return SessionCookie
}

// SessionToken returns the token of the session that a browser's cookies have, "" for none. A browser has the strict
// cookie only from this service, so it counts before the local one.
func (a *API) SessionToken(at Arrival, cookies []*http.Cookie) string {
	for _, name := range []string{SessionCookie, a.SessionCookieAt(at)} {
		for _, c := range cookies {
			if c.Name == name {
				return c.Value
			}
		}
	}
	return ""
}

// isNear reports whether an address with its port is of this machine, or of a private network: a container sees its
// host, and a virtual machine its own, by the address of the network between the two.
func isNear(remote string) bool {
	from, err := netip.ParseAddrPort(remote)
	address := from.Addr().Unmap()
	return err == nil && (address.IsLoopback() || address.IsPrivate())
}

// IsLocal reports whether the host, with or without a port, is this machine.
func IsLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && address.IsLoopback()
}

// New returns an API without routes, which serves at Prefix of e.
func New(e *echo.Echo, log *slog.Logger) *API {
	a := &API{log: log}
	a.huma = humaecho.NewV4WithGroup(e, e.Group(Prefix), a.config())
	a.huma.UseMiddleware(catchStatus, a.checkQuery, a.checkPrecondition, a.checkBody)
	return a
}

// OpenAPI returns the description of all routes.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// Schema returns the schema of T, which the description has under the name.
func Schema[T any](a *API, name string) *huma.Schema {
	return a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, name)
}

// Operations lists the routes in the order in which they are registered.
func (a *API) Operations() []*huma.Operation {
	var all []*huma.Operation
	for _, item := range a.OpenAPI().Paths {
		for _, o := range []*huma.Operation{
			item.Get, item.Head, item.Options, item.Post, item.Patch, item.Put, item.Delete,
		} {
			if o != nil {
				all = append(all, o)
			}
		}
	}
	slices.SortFunc(all, func(x, y *huma.Operation) int {
		return cmp.Compare(slices.Index(a.registered, x.OperationID), slices.Index(a.registered, y.OperationID))
	})
	return all
}

// config returns huma's configuration, without its documentation pages (they load from a CDN) and its schema links.
func (a *API) config() huma.Config {
	format := huma.Format{Marshal: marshal, Unmarshal: unmarshal}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			Info: &huma.Info{
				Title:   "bestow",
				Version: "1",
				Description: "Grants points and vouchers to members, each exactly once. " +
					"Refusals are application/problem+json.",
			},
			Servers:    []*huma.Server{{URL: Prefix}},
			Components: components(),
			Security:   []map[string][]string{{"key": {}}, {"session": {}}},
		},
		Formats:       map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{a.translate},
	}
}

func components() *huma.Components {
	return &huma.Components{
		Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
		SecuritySchemes: map[string]*huma.SecurityScheme{
			"key": {Type: "http", Scheme: "bearer", Description: "an API key, as in BESTOW_ADMIN_KEY"},
			"session": {
				Type: "apiKey", In: "cookie", Name: SessionCookie,
				Description: "the session of a person, as POST /session begins it",
			},
		},
	}
}

func marshal(w io.Writer, v any) error { return json.MarshalWrite(w, v) }

// unmarshal gives a body to its decoder. A handler always reads a [Body].
func unmarshal(data []byte, v any) error {
	if b, ok := v.(interface{ decode([]byte) }); ok {
		b.decode(data)
		return nil
	}
	return json.Unmarshal(data, v, json.RejectUnknownMembers(true))
}

// Handle registers a route that answers at once.
func Handle[I, O any](a *API, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	Stream(a, op, func(ctx context.Context, in *I) (*O, error) {
		ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
		defer cancel()
		return do(ctx, in)
	})
}

// Stream registers a route without a time limit.
func Stream[I, O any](a *API, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	a.describeProblem(&op)
	a.registered = append(a.registered, op.OperationID)
	op.SkipValidateBody = true // the body's own decoder is stricter, and reports all faults at once
	op.MaxBodyBytes = maxBody + 1
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err != nil {
			return nil, a.Problem(ctx, err)
		}
		return out, nil
	})
}

// describeProblem documents what a refusal looks like.
func (a *API) describeProblem(op *huma.Operation) {
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["default"] = &huma.Response{
		Description: "Refused",
		Content:     map[string]*huma.MediaType{problemType: {Schema: Schema[api.Problem](a, "Problem")}},
	}
}

// humaContext is huma.Context by a name that does not hide its method Context when it is embedded.
type humaContext huma.Context

// statusContext lets a translated refusal change the status that huma chose, and hides the formats that were requested.
type statusContext struct {
	humaContext
	status int               // 0: huma's
	query  map[string]string // the parameters that the request has, as checkQuery read them
}

// Query returns a parameter of the request, "" for none.
func (c *statusContext) Query(name string) string { return c.query[name] }

// SetStatus sends the status.
func (c *statusContext) SetStatus(code int) {
	if c.status != 0 {
		code = c.status
	}
	c.humaContext.SetStatus(code)
}

// Header returns a header of the request. It hides every Accept but that of server-sent events and, where a list may be
// sent whole, of its types: there is only one other format, and huma panics on some spellings.
func (c *statusContext) Header(name string) string {
	value := c.humaContext.Header(name)
	switch {
	case !strings.EqualFold(name, "Accept"):
		return value
	case c.Operation().Metadata[exportsKey] == true:
		return preferred(value, CSV, NDJSON)
	}
	return preferred(value, EventStream)
}

// preferred returns the type that an Accept gives the greatest weight to, "" for JSON. What an Accept does not name has
// none, and a wildcard is JSON.
func preferred(accept string, types ...string) (best string) {
	weights := map[string]float64{}
	for part := range strings.SplitSeq(accept, ",") {
		media, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		weight, err := strconv.ParseFloat(parameters["q"], 64)
		if err != nil {
			weight = 1
		}
		weights[media] = max(weights[media], weight)
	}
	most := weights["application/json"]
	for _, media := range types {
		if weight := weights[media]; weight > 0 && (weight > most || weight == most && best == "") {
			best, most = media, weight
		}
	}
	return best
}

// Unwrap returns the context inside.
func (c *statusContext) Unwrap() huma.Context { return c.humaContext }

func catchStatus(ctx huma.Context, next func(huma.Context)) { next(&statusContext{humaContext: ctx}) }

// translate turns huma's own refusals of parameters and bodies into ours, before they are written.
func (a *API) translate(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := a.Problem(ctx.Context(), fromHuma(m))
	if c, ok := ctx.(*statusContext); ok {
		c.status = p.Status
	}
	addHeader(ctx, p.header)
	return p, nil
}

// addHeader adds every value of the header to an answer: a refusal may have two of one name.
func addHeader(ctx huma.Context, header http.Header) {
	for name, values := range header {
		for _, value := range values {
			ctx.AppendHeader(name, value)
		}
	}
}

// Refuse answers from within a middleware, or a download that has not begun.
func (a *API) Refuse(ctx huma.Context, err error) {
	p := a.Problem(ctx.Context(), err)
	addHeader(ctx, p.header)
	ctx.SetHeader("Content-Type", problemType)
	ctx.SetStatus(p.Status)
	_ = marshal(ctx.BodyWriter(), p) // the client is gone
}
