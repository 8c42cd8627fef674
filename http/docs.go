package http

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"
)

// OpenAPI is the API's description, OpenAPI 3.1 as indented JSON: the same that a running service serves.
func OpenAPI() ([]byte, error) {
	s := &server{}
	s.routes(echo.New())
	return s.openAPI()
}

func (s *server) openAPI() ([]byte, error) {
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

func (s *server) serveOpenAPI(c echo.Context) error {
	doc, err := s.openAPI()
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/vnd.oai.openapi+json;version=3.1", doc)
}

// docsStyle is the page's only style; the Content-Security-Policy names its hash.
const docsStyle = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code{background:#8881;padding:.1em .3em}td,th{text-align:left;vertical-align:top;padding:.3em .8em .3em 0}`

func docsStyleHash() string {
	sum := sha256.Sum256([]byte(docsStyle))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// docsPage lists the routes, with nothing loaded from elsewhere.
var docsPage = template.Must(template.New("docs").Funcs(template.FuncMap{"code": markCode}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>bestow API</title><style>` + docsStyle + `</style></head><body>
<h1>bestow API</h1>
<p>All routes are under <code>{{.Prefix}}</code> and ask for <code>Authorization: Bearer KEY</code>.
The full description, with all fields, is <a href="{{.Prefix}}/openapi.json">openapi.json</a>.
Each POST takes an <code>Idempotency-Key</code>: repeated with it, nothing happens twice and the first answer comes back. A stop or
a brake is done again; a start, resume or release tells what is so now.</p>
<table><tr><th>Route</th><th>Does</th><th>Parameters</th></tr>
{{range .Routes}}<tr><td><code>{{.Method}} {{.Path}}</code></td><td>{{code .Summary}}. {{code .Description}}</td><td>{{range .Parameters}}<code>{{.Name}}</code> {{end}}</td></tr>
{{end}}</table></body></html>
`))

// markCode writes text with what stands between backticks as code.
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

func (s *server) serveDocs(c echo.Context) error {
	var page strings.Builder
	err := docsPage.Execute(&page, map[string]any{"Prefix": prefix, "Routes": s.operations()})
	if err != nil {
		return fmt.Errorf("write docs: %w", err)
	}
	return c.HTML(http.StatusOK, page.String())
}

// operations lists the API's routes by path.
func (s *server) operations() []*huma.Operation {
	var all []*huma.Operation
	for _, item := range s.api.OpenAPI().Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Put, item.Delete} {
			if o != nil {
				all = append(all, o)
			}
		}
	}
	slices.SortFunc(all, func(a, b *huma.Operation) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	return all
}
