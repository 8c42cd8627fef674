package http

import (
	"context"
	"io"
	"reflect"
	"strings"
	"time"

	"bestow/http/api"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
)

// requestTimeout bounds a request that is not a stream. One that waits longer for the database is told to try again.
const requestTimeout = 15 * time.Second

// maxBody bounds the bytes of a JSON body.
const maxBody = 1 << 20

// apiConfig returns huma's configuration, without its documentation pages (they load from a CDN) and its schema links.
func (s *server) apiConfig() huma.Config {
	format := huma.Format{Marshal: marshal, Unmarshal: unmarshal}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			Info: &huma.Info{
				Title:   "bestow",
				Version: "1",
				Description: "Grants points and vouchers to members, each exactly once. " +
					"Refusals are application/problem+json.",
			},
			Servers:    []*huma.Server{{URL: prefix}},
			Components: components(),
			Security:   []map[string][]string{{"key": {}}},
		},
		Formats:       map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{s.translate},
	}
}

func components() *huma.Components {
	return &huma.Components{
		Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
		SecuritySchemes: map[string]*huma.SecurityScheme{
			"key": {Type: "http", Scheme: "bearer", Description: "an API key, as in BESTOW_ADMIN_KEY"},
		},
	}
}

func marshal(w io.Writer, v any) error { return json.MarshalWrite(w, v) }

// unmarshal gives a body to its decoder. A handler always reads a [body].
func unmarshal(data []byte, v any) error {
	if b, ok := v.(interface{ decode([]byte) }); ok {
		b.decode(data)
		return nil
	}
	return json.Unmarshal(data, v, json.RejectUnknownMembers(true))
}

// handle registers a route that answers at once.
func handle[I, O any](s *server, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	stream(s, op, func(ctx context.Context, in *I) (*O, error) {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		return do(ctx, in)
	})
}

// stream registers a route without a time limit.
func stream[I, O any](s *server, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	s.describeProblem(&op)
	s.registered = append(s.registered, op.OperationID)
	op.SkipValidateBody = true // the body's own decoder is stricter, and reports all faults at once
	op.MaxBodyBytes = maxBody + 1
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// describeProblem documents what a refusal looks like.
func (s *server) describeProblem(op *huma.Operation) {
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.Problem](), true, "Problem")
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["default"] = &huma.Response{
		Description: "Refused",
		Content:     map[string]*huma.MediaType{problemType: {Schema: schema}},
	}
}

// operationID names a route for generated clients: post-events-id-start.
func operationID(method, path string) string {
	return strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "", "_", "-").Replace(path)
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

// Header returns a header of the request. It hides every Accept but that of server-sent events: there is only one other
// format, and huma panics on some spellings.
func (c *statusContext) Header(name string) string {
	value := c.humaContext.Header(name)
	switch {
	case !strings.EqualFold(name, "Accept"):
		return value
	case strings.Contains(value, eventStream):
		return eventStream
	}
	return ""
}

// Unwrap returns the context inside.
func (c *statusContext) Unwrap() huma.Context { return c.humaContext }

func catchStatus(ctx huma.Context, next func(huma.Context)) { next(&statusContext{humaContext: ctx}) }

// translate turns huma's own refusals of parameters and bodies into ours, before they are written.
func (s *server) translate(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := s.problem(ctx.Context(), fromHuma(m))
	if c, ok := ctx.(*statusContext); ok {
		c.status = p.Status
	}
	for name, values := range p.header {
		for _, value := range values {
			ctx.SetHeader(name, value)
		}
	}
	return p, nil
}

// refuse answers from within a middleware of the API.
func (s *server) refuse(ctx huma.Context, err error) {
	p := s.problem(ctx.Context(), err)
	for name, values := range p.header {
		for _, value := range values {
			ctx.SetHeader(name, value)
		}
	}
	ctx.SetHeader("Content-Type", problemType)
	ctx.SetStatus(p.Status)
	_ = marshal(ctx.BodyWriter(), p) // the client is gone
}
