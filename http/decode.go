package http

import (
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"bestow/domain"
	"bestow/http/api"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// body is a JSON body of type T, decoded strictly: one object in UTF-8, no name twice, no unknown name or one in
// another letter case, and nothing after it. A value that does not fit its field is kept, so that it is reported
// together with the faults that the use case finds.
type body[T any] struct {
	value  T
	raw    []byte
	given  map[string]bool // the names that stand in the body, null or not
	unread []domain.Field
	err    error
}

// Schema documents T.
func (*body[T]) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[T](), true, reflect.TypeFor[T]().Name())
}

// read returns the value and the fields that could not be decoded, or an error if the body is malformed.
func (b *body[T]) read() (value T, unread []domain.Field, err error) { return b.value, b.unread, b.err }

// whole is like read, and refuses fields that could not be decoded.
func (b *body[T]) whole() (value T, err error) {
	if b.err != nil {
		return value, b.err
	}
	if b.unread != nil {
		return value, &domain.Error{
			Code: domain.Invalid, Message: "the request has fields that cannot be",
			Hint: "correct what is named", Fields: b.unread,
		}
	}
	return b.value, nil
}

func (b *body[T]) decode(data []byte) {
	b.raw = slices.Clone(data)
	var members map[string]jsontext.Value
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		b.err = malformed(err)
		return
	}
	fields := fieldsOf(reflect.ValueOf(&b.value).Elem())
	var unknown []domain.Field
	b.given = map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		b.given[name] = true
		field, known := fields[name]
		if !known {
			unknown = append(unknown, domain.Field{Name: name, Message: "is no field of this route"})
			continue
		}
		err := json.Unmarshal(members[name], field.Addr().Interface())
		if err != nil || field.Kind() == reflect.Bool && members[name].Kind() == 'n' { // null is neither true nor false
			b.unread = append(b.unread, domain.Field{Name: name, Message: wanted(field.Type())})
		}
	}
	if unknown != nil {
		b.err = &domain.Error{
			Code: api.Malformed, Message: "the body has unknown fields",
			Hint: "leave out what is named; names are exact", Fields: unknown,
		}
	}
}

// canonical returns the body with sorted members and without spaces: bodies with the same meaning have the same bytes.
func (b *body[T]) canonical() []byte {
	v := jsontext.Value(slices.Clone(b.raw))
	// Numbers stay as they are written: as canonical float64, two different int64 could become equal.
	if err := v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		return b.raw
	}
	return v
}

// fieldsOf finds the fields of a struct by their JSON names.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i)
	}
	return fields
}

// wanted describes the values of a field of type t.
func wanted(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "must be a time with its zone, as in 2026-12-31T23:59:59+09:00"
	case t.Kind() == reflect.String:
		return "must be text"
	case t.Kind() == reflect.Bool:
		return "must be true or false"
	}
	return fmt.Sprintf("must be a whole number in plain digits, within %d bits", t.Bits())
}

// malformed returns the error that says where a body is not JSON; err is nil for the body null.
func malformed(err error) error {
	e := &domain.Error{
		Code: api.Malformed, Message: "the body is not a JSON object",
		Hint: "send one JSON object, in UTF-8, with each name once",
	}
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		e.Message = fmt.Sprintf("the body is not one JSON object: see byte %d", s.ByteOffset)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			e.Message = fmt.Sprintf("the body has a name twice: see byte %d", s.ByteOffset)
		}
	}
	return e
}

// checkQuery refuses query parameters that the route does not have, and those that are given twice. A word of a fixed
// list may be in any letter case.
func (s *server) checkQuery(ctx huma.Context, next func(huma.Context)) {
	u := ctx.URL()
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		s.refuse(ctx, &domain.Error{
			Code: api.BadRequest, Message: "the query is not well-formed",
			Hint: "escape % and ; in its values",
		})
		return
	}
	known := map[string]*huma.Param{}
	for _, p := range ctx.Operation().Parameters {
		if p.In == "query" {
			known[p.Name] = p
		}
	}
	read := map[string]string{}
	var wrong []domain.Field
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value, why := readParameter(known[name], values[name])
		if read[name] = value; why != "" {
			wrong = append(wrong, domain.Field{Name: "query." + name, Message: why})
		}
	}
	if wrong != nil {
		s.refuse(ctx, &domain.Error{
			Code: api.BadRequest, Message: "a query parameter cannot be used",
			Hint: "correct what is named", Fields: wrong,
		})
		return
	}
	if c, ok := ctx.(*statusContext); ok {
		c.query = read
	}
	next(ctx)
}

// readParameter returns the value of a query parameter, or why it cannot be used. p is nil if the route does not have
// it.
func readParameter(p *huma.Param, values []string) (value, why string) {
	switch {
	case p == nil:
		return "", "is no parameter of this route"
	case len(values) > 1:
		return "", "stands twice"
	case values[0] == "": // huma would take its default
		return "", "has no value"
	case len(p.Schema.Enum) == 0:
		return values[0], ""
	}
	words := make([]string, len(p.Schema.Enum))
	for i, word := range p.Schema.Enum {
		if words[i] = fmt.Sprint(word); strings.EqualFold(words[i], values[0]) {
			return words[i], ""
		}
	}
	return "", "must be one of " + strings.Join(words, ", ")
}

// checkBody refuses a request that lacks its body, or has one of the wrong type, before it reads a byte.
func (s *server) checkBody(ctx huma.Context, next func(huma.Context)) {
	takes := ctx.Operation().RequestBody
	if takes == nil {
		next(ctx)
		return
	}
	types := slices.Sorted(maps.Keys(takes.Content))
	if humaecho.UnwrapV4(ctx).Request().ContentLength == 0 {
		s.refuse(ctx, &domain.Error{
			Code: api.Malformed, Message: "the request has no body",
			Hint: "send " + strings.Join(types, " or ") + s.needs(takes),
		})
		return
	}
	got, _, err := mime.ParseMediaType(ctx.Header("Content-Type"))
	if _, ok := takes.Content[got]; !ok || err != nil {
		s.refuse(ctx, &domain.Error{
			Code: api.UnsupportedType, Message: "the body's Content-Type is not taken here",
			Hint: "send " + strings.Join(types, " or "),
		})
		return
	}
	if encoding := ctx.Header("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		s.refuse(ctx, &domain.Error{
			Code: api.UnsupportedType, Message: "a compressed body is not taken here",
			Hint: "send it as it is, without Content-Encoding",
		})
		return
	}
	next(ctx)
}

// needs names the required fields of a route's JSON body; "" for none.
func (s *server) needs(takes *huma.RequestBody) string {
	media := takes.Content["application/json"]
	if media == nil || media.Schema == nil {
		return ""
	}
	schema := media.Schema
	if schema.Ref != "" {
		schema = s.api.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	if schema == nil || len(schema.Required) == 0 {
		return ""
	}
	return " with " + strings.Join(schema.Required, " and ")
}
