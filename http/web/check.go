package web

import (
	"fmt"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"

	"bestow/domain"
	"bestow/http/api"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
)

// checkQuery refuses query parameters that the route does not have, and those that are given twice. A word of a fixed
// list may be in any letter case.
func (a *API) checkQuery(ctx huma.Context, next func(huma.Context)) {
	u := ctx.URL()
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		a.Refuse(ctx, api.BadRequestError("the query is not well-formed", "escape % and ; in its values"))
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
		a.Refuse(ctx, api.BadQueryError(wrong...))
		return
	}
	if c, ok := ctx.(*statusContext); ok {
		c.query = read
	}
	next(ctx)
}

// checkPrecondition refuses an If-Match where the route would not look at it: a change must not be made whose condition
// does not hold (RFC 9110, 13.1.1). If-Unmodified-Since is passed over, which 13.1.4 allows where a resource has no
// time of its last change; an answer has no Last-Modified.
func (a *API) checkPrecondition(ctx huma.Context, next func(huma.Context)) {
	takes := func(p *huma.Param) bool { return p.In == "header" && p.Name == "If-Match" }
	given := false
	ctx.EachHeader(func(name, _ string) { given = given || strings.EqualFold(name, "If-Match") })
	switch {
	case given && !slices.ContainsFunc(ctx.Operation().Parameters, takes):
		a.Refuse(ctx, api.BadRequestError("this route takes no If-Match", "send the request without it"))
	case given && ctx.Header("If-Match") == "": // of a client that has lost what it read
		a.Refuse(ctx, api.PreconditionRequiredError("If-Match is empty, and names no state",
			"send the ETag that GET answered as If-Match"))
	default:
		next(ctx)
	}
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
	case p.Schema.Items != nil:
		return readWords(p.Schema.Items.Enum, strings.Split(values[0], ","))
	case len(p.Schema.Enum) == 0:
		return values[0], ""
	}
	return readWords(p.Schema.Enum, values)
}

// readWords returns the values as the list spells them, joined by commas, or why one cannot be used.
func readWords(list []any, values []string) (joined, why string) {
	words := make([]string, len(list))
	for i, word := range list {
		words[i] = fmt.Sprint(word)
	}
	read := make([]string, len(values))
	for i, value := range values {
		at := slices.IndexFunc(words, func(word string) bool { return strings.EqualFold(word, value) })
		if at < 0 {
			return "", "must be one of " + strings.Join(words, ", ")
		}
		read[i] = words[at]
	}
	return strings.Join(read, ","), ""
}

// checkBody refuses a request that lacks a body which the route requires, or has one of the wrong type, before it reads
// a byte.
func (a *API) checkBody(ctx huma.Context, next func(huma.Context)) {
	takes := ctx.Operation().RequestBody
	if takes == nil {
		next(ctx)
		return
	}
	types := slices.Sorted(maps.Keys(takes.Content))
	empty := humaecho.UnwrapV4(ctx).Request().ContentLength == 0
	if empty && !takes.Required {
		next(ctx)
		return
	}
	if empty {
		a.Refuse(ctx, api.MalformedError("the request has no body", "send "+strings.Join(types, " or ")+a.needs(takes)))
		return
	}
	got, _, err := mime.ParseMediaType(ctx.Header("Content-Type"))
	if _, ok := takes.Content[got]; !ok || err != nil {
		a.Refuse(ctx, api.UnsupportedTypeError("the body's Content-Type is not taken here",
			"send "+strings.Join(types, " or ")))
		return
	}
	if encoding := ctx.Header("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		a.Refuse(ctx, api.UnsupportedTypeError("a compressed body is not taken here",
			"send it as it is, without Content-Encoding"))
		return
	}
	next(ctx)
}

// needs names the required fields of a route's JSON body; "" for none.
func (a *API) needs(takes *huma.RequestBody) string {
	media := takes.Content["application/json"]
	if media == nil || media.Schema == nil {
		return ""
	}
	schema := media.Schema
	if schema.Ref != "" {
		schema = a.huma.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	if schema == nil || len(schema.Required) == 0 {
		return ""
	}
	return " with " + strings.Join(schema.Required, " and ")
}
