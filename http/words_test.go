package http

import (
	"fmt"
	"strings"
	"testing"

	"bestow/http/api"

	"github.com/stretchr/testify/require"
)

// Each parameter that takes one of some words takes it in any letter case, and a refusal lists the words (P26).
func TestWordsInAnyCase(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	asked := 0
	s, err := newServer(Config{App: d.App})
	require.NoError(t, err)
	for _, o := range s.api.Operations() {
		for _, p := range o.Parameters {
			if p.In != "query" || len(p.Schema.Enum) == 0 || o.Method != "GET" {
				continue
			}
			path := prefix + strings.NewReplacer("{id}", fmt.Sprint(e.ID), "{import_id}", "1").Replace(o.Path) + "?" +
				p.Name + "="
			var words []string
			for _, word := range p.Schema.Enum {
				words = append(words, word.(string))
				want := d.Get(path + word.(string)).StatusCode
				require.NotEqual(t, 400, want)
				for _, spelled := range []string{strings.ToLower(word.(string)), strings.ToUpper(word.(string))} {
					require.Equal(t, want, d.Get(path+spelled).StatusCode, path+spelled)
					asked++
				}
			}
			refused := d.Get(path+"none").Refused(400, api.BadRequest)
			require.Equal(t, "query."+p.Name, refused.Errors[0].Location)
			require.Equal(t, "must be one of "+strings.Join(words, ", "), refused.Errors[0].Message)
		}
	}
	require.Greater(t, asked, 20)
}
