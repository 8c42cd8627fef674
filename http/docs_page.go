package http

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"bestow/http/auth"
	"bestow/http/console"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// pageStyle is the only style of our pages; the Content-Security-Policy names its hash.
const pageStyle = `body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
code{background:#8881;padding:.1em .3em;overflow-wrap:anywhere}h2{border-bottom:1px solid #8884;margin-top:2.5rem}
h3{font-size:1rem;margin:1.8rem 0 .2rem}p{margin:.3rem 0}table{border-spacing:0;font-size:.9rem;margin:.4rem 0 0 1rem}
td{text-align:left;vertical-align:top;padding:.15rem .8rem .15rem 0}td:first-child code{white-space:nowrap}
#tools{position:sticky;top:0;background:Canvas;padding:.5rem 0}[hidden]{display:none}
form{display:grid;gap:.4rem;margin:.5rem 0 0 1rem}input,textarea{font:inherit;max-width:100%}textarea{width:100%}
pre{background:#8881;padding:.5rem;overflow:auto;max-height:24rem}:root{color-scheme:light dark}`

// docsScript lets people search the page and try a route. The page is whole without it.
//
//go:embed docs.js
var docsScript []byte

func pageStyleHash() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return base64.StdEncoding.EncodeToString(sum[:])
}

const pageHead = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
	`<title>{{.Title}}</title><style>` +
	pageStyle + `</style></head><body>
<h1>{{.Title}}</h1>
`

// docsPage lists the routes. It loads nothing from other sites.
var docsPage = template.Must(template.New("docs").Funcs(template.FuncMap{"code": markCode}).Parse(pageHead +
	`<p>All routes are under <code>{{.Prefix}}</code> and ask for <code>Authorization: Bearer KEY</code>,
or the cookie of a session.
The full description, with the fields of the answers, is <a href="{{.Prefix}}/openapi.json">openapi.json</a>.
Each POST but those of sign-in and /uploads takes an <code>Idempotency-Key</code>: if it is repeated with the same key,
nothing happens twice and the first answer comes back. A stop or a brake is done again; a start, resume or release tells
what is so now.</p>
<p>{{range .Groups}}<a href="#{{.ID}}">{{.Title}}</a> {{end}}</p>
<p id="tools" hidden data-prefix="{{.Prefix}}" data-openapi="{{.Prefix}}/openapi.json">
<label>Search <input id="find" type="search"></label>
<label>Key for trying, or none with a session
<input id="key" type="password" autocomplete="off"></label></p>
{{range .Groups}}<section class="group"><h2 id="{{.ID}}">{{.Title}}</h2>
{{range .Routes}}<section class="route" id="{{.OperationID}}"><h3><code>{{.Method}} {{.Path}}</code></h3>
<p>{{code .Summary}}. {{code .Description}}</p>
{{with .Fields}}<table>{{range .}}<tr><td><code>{{.Name}}</code></td><td>{{.In}}</td><td>{{.Takes}}</td><td>{{code .Meaning}}</td></tr>
{{end}}</table>
{{end}}</section>
{{end}}</section>
{{end}}<script src="{{.Prefix}}/docs.js"></script></body></html>
`))

// markCode writes text as HTML; parts between backticks become code.
func markCode(text string) template.HTML {
	var marked strings.Builder
	for i, part := range strings.Split(text, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		marked.WriteString(part)
	}
	return template.HTML(marked.String()) //nolint:gosec // each part is escaped
}

// docsGroup is a heading of the page with its routes.
type docsGroup struct {
	Title  string
	Routes []docsRoute
}

// ID returns the anchor of the group on the page.
func (g docsGroup) ID() string { return strings.ReplaceAll(strings.ToLower(g.Title), " ", "-") }

type docsRoute struct {
	*huma.Operation

	Fields []docsField
}

// docsField is a parameter of a route or a field of its body.
type docsField struct{ Name, In, Takes, Meaning string }

// serveFront leads a person to the console. For a program the address is no route.
func (s *server) serveFront(c echo.Context) error {
	if !auth.WantsPage(c.Request()) {
		return echo.ErrNotFound
	}
	return c.Redirect(http.StatusSeeOther, console.Home)
}

func (s *server) serveDocs(c echo.Context) error {
	c.Response().Header().Set("Content-Security-Policy", fmt.Sprintf(docsPolicy, pageStyleHash()))
	return servePage(c, docsPage, map[string]any{"Title": "bestow API", "Prefix": web.Prefix, "Groups": s.docsGroups()})
}

// docsPolicy lets the page of the API load its script, and the script ask the API.
const docsPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'sha256-%s'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func serveDocsScript(c echo.Context) error {
	return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", docsScript)
}

func servePage(c echo.Context, page *template.Template, data any) error {
	var text strings.Builder
	if err := page.Execute(&text, data); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return c.HTML(http.StatusOK, text.String())
}

// docsGroups lists the API's routes under their tags, in the order in which they are registered.
func (s *server) docsGroups() (groups []docsGroup) {
	for _, o := range s.api.Operations() {
		i := slices.IndexFunc(groups, func(g docsGroup) bool { return g.Title == o.Tags[0] })
		if i < 0 {
			i, groups = len(groups), append(groups, docsGroup{Title: o.Tags[0]})
		}
		groups[i].Routes = append(groups[i].Routes, docsRoute{o, s.docsFields(o)})
	}
	return groups
}

// docsFields lists the parameters and fields of a request of the route, except the id in its path.
func (s *server) docsFields(o *huma.Operation) (fields []docsField) {
	for _, p := range o.Parameters {
		if p.In != "path" {
			fields = append(fields, docsField{
				p.Name, p.In, takes(p.Schema, p.Required),
				cmp.Or(p.Description, p.Schema.Description),
			})
		}
	}
	if o.RequestBody == nil {
		return fields
	}
	for _, media := range slices.Sorted(maps.Keys(o.RequestBody.Content)) {
		schema := o.RequestBody.Content[media].Schema
		if schema.Ref == "" {
			fields = append(fields, docsField{media, "body", "text", ""})
			continue
		}
		schema = s.api.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
		for _, name := range propertiesOf(schema) {
			p := schema.Properties[name]
			fields = append(fields, docsField{
				name, "body", takes(p, slices.Contains(schema.Required, name)),
				p.Description,
			})
		}
	}
	return fields
}

// propertiesOf lists the fields of a body, required ones first.
func propertiesOf(schema *huma.Schema) []string {
	names := slices.Sorted(maps.Keys(schema.Properties))
	required := func(name string) bool { return slices.Contains(schema.Required, name) }
	optional := slices.DeleteFunc(slices.Clone(names), required)
	return append(slices.DeleteFunc(names, func(name string) bool { return !required(name) }), optional...)
}

// takes says what a field may hold.
func takes(schema *huma.Schema, required bool) string {
	text := map[string]string{
		huma.TypeInteger: "whole number", huma.TypeString: "text",
		huma.TypeBoolean: "true or false",
	}[schema.Type]
	switch {
	case schema.Items != nil:
		text = takes(schema.Items, false)
	case schema.Format == "date-time":
		text = "time with its zone"
	case len(schema.Enum) > 0:
		words := make([]string, len(schema.Enum))
		for i, word := range schema.Enum {
			words[i] = fmt.Sprint(word)
		}
		text = strings.Join(words, ", ")
	case schema.Minimum != nil && schema.Maximum != nil:
		text = fmt.Sprintf("%g to %g", *schema.Minimum, *schema.Maximum)
	case schema.Minimum != nil:
		text = fmt.Sprintf("%g or more", *schema.Minimum)
	}
	if schema.Default != nil {
		text += fmt.Sprintf("; default %v", schema.Default)
	}
	if required {
		text += "; required"
	}
	return text
}
