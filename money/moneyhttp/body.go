package moneyhttp

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"bestow/money/moneyhttp/wire"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// body is a JSON body of type T, decoded strictly: one object in UTF-8, no name twice, none unknown or in another case,
// and nothing behind it.
type body[T any] struct {
	value T
	err   *problem
}

// Schema documents T.
func (*body[T]) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[T](), true, reflect.TypeFor[T]().Name())
}

func (b *body[T]) decode(data []byte) {
	var object jsontext.Value
	if err := json.Unmarshal(data, &object); err != nil || object.Kind() != '{' {
		b.err = malformed(err)
		return
	}
	if err := json.Unmarshal(data, &b.value, json.RejectUnknownMembers(true)); err != nil {
		b.err = unfit(err)
	}
}

// read returns the body. Error: a problem.
func (b *body[T]) read() (value T, err error) {
	if b.err != nil {
		return value, b.err
	}
	return b.value, nil
}

func marshal(w io.Writer, v any) error { return json.MarshalWrite(w, v) }

// unmarshal hands a body to its decoder.
func unmarshal(data []byte, v any) error {
	if b, ok := v.(interface{ decode(data []byte) }); ok {
		b.decode(data)
		return nil
	}
	return json.Unmarshal(data, v, json.RejectUnknownMembers(true))
}

// malformed says where a body stops being JSON; err is nil for one that is JSON and no object.
func malformed(err error) *problem {
	p := newProblem(wire.CodeMalformed, "the body is not a JSON object",
		"send one JSON object, in UTF-8, with each name once")
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		p.Detail = fmt.Sprintf("the body is not one JSON object: see byte %d", s.ByteOffset)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			p.Detail = fmt.Sprintf("the body has a name twice: see byte %d", s.ByteOffset)
		}
	}
	return p
}

// unfit says which field of a body cannot be used. Its value is not repeated.
func unfit(err error) *problem {
	s, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return malformed(err)
	}
	field := wire.FieldError{Location: location(s.JSONPointer), Message: "cannot be used"}
	if errors.Is(err, json.ErrUnknownName) {
		field.Message = "is no field of this route"
		return newProblem(wire.CodeMalformed, "the body has an unknown field",
			"leave out "+field.Location+": names are exact", field)
	}
	if s.GoType != nil {
		field.Message = wanted(s.GoType)
	}
	return newProblem(wire.CodeInvalid, "a field of the body cannot be used: "+field.Location+" "+field.Message,
		"correct "+field.Location+" and send it again", field)
}

// location writes /items/3/amount as body.items[3].amount.
func location(p jsontext.Pointer) string {
	var b strings.Builder
	b.WriteString("body")
	for token := range p.Tokens() {
		if strings.Trim(token, "0123456789") == "" {
			fmt.Fprintf(&b, "[%s]", token)
			continue
		}
		fmt.Fprintf(&b, ".%.50s", token)
	}
	return b.String()
}

// wanted says what a field of type t takes.
func wanted(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case strings.HasPrefix(t.String(), "time."):
		return "must be a time with its zone, as in 2026-12-31T23:59:59+09:00"
	case t.Kind() == reflect.String:
		return "must be text"
	case t.Kind() == reflect.Bool:
		return "must be true or false"
	case t.Kind() == reflect.Slice:
		return "must be a list"
	case t.Kind() == reflect.Struct:
		return "must be an object"
	}
	return fmt.Sprintf("must be a whole number in plain digits, within %d bits", t.Bits())
}

// missing is the refusal of a body without a field that it needs.
func missing(name string) error {
	return newProblem(wire.CodeInvalid, "the field "+name+" is missing", "send it",
		wire.FieldError{Location: "body." + name, Message: "is missing"})
}

// checkQuery refuses query parameters that the route does not have, and those that stand twice.
func (s *Server) checkQuery(ctx huma.Context, next func(huma.Context)) {
	u := ctx.URL()
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		s.refuse(ctx, newProblem(wire.CodeBadRequest, "the query is not well-formed", "escape % and ; in its values"))
		return
	}
	known := map[string]bool{}
	for _, p := range ctx.Operation().Parameters {
		known[p.Name] = p.In == "query"
	}
	for name, all := range values {
		if !known[name] || len(all) > 1 {
			s.refuse(ctx, newProblem(wire.CodeBadRequest, "a query parameter is unknown or stands twice",
				fmt.Sprintf("leave out %.50s, or send it once", name),
				wire.FieldError{
					Location: fmt.Sprintf("query.%.50s", name),
					Message:  "is no parameter of this route, or stands twice",
				}))
			return
		}
	}
	next(ctx)
}

// checkHeaders refuses a header of the route that stands twice: only one of them would count. If-Match is a list.
func (s *Server) checkHeaders(ctx huma.Context, next func(huma.Context)) {
	seen := map[string]int{}
	ctx.EachHeader(func(name, _ string) { seen[name]++ })
	for _, p := range ctx.Operation().Parameters {
		if p.In == "header" && p.Name != "If-Match" && seen[p.Name] > 1 {
			s.refuse(ctx, newProblem(wire.CodeBadRequest, "the header "+p.Name+" stands twice", "send it once",
				wire.FieldError{Location: "header." + p.Name, Message: "stands twice"}))
			return
		}
	}
	next(ctx)
}

// checkBody refuses a body of a type that the route does not take, before a byte of it is read.
func (s *Server) checkBody(ctx huma.Context, next func(huma.Context)) {
	if ctx.Operation().RequestBody == nil {
		next(ctx)
		return
	}
	got, _, err := mime.ParseMediaType(ctx.Header("Content-Type"))
	if err != nil || got != "application/json" && (got != mergePatch || ctx.Method() != http.MethodPatch) {
		s.refuse(ctx, newProblem(wire.CodeUnsupportedType, "the body's Content-Type is not taken here",
			"send application/json"))
		return
	}
	if encoding := ctx.Header("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		s.refuse(ctx, newProblem(wire.CodeUnsupportedType, "a compressed body is not taken here",
			"send it without Content-Encoding"))
		return
	}
	next(ctx)
}

// refuse answers from within a middleware of huma.
func (s *Server) refuse(ctx huma.Context, p *problem) {
	p.RequestID = requestID(ctx.Context())
	for name, values := range p.header {
		for _, value := range values {
			ctx.AppendHeader(name, value)
		}
	}
	ctx.SetHeader("Content-Type", wire.ProblemType)
	ctx.SetStatus(p.Status)
	if ctx.Method() != http.MethodHead {
		_ = marshal(ctx.BodyWriter(), p.Problem) // a connection that is gone is no loss
	}
}
