package http

import (
	"fmt"
	"net/http"

	"bestow/app"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"
)

// OpenAPI returns the description of the API that a running service serves: OpenAPI 3.1 as indented JSON.
func OpenAPI() ([]byte, error) {
	s, err := newServer(Config{App: &app.App{}})
	if err != nil {
		return nil, err
	}
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
