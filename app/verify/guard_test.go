package verify

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The main schema is named where a statement names a table of it, and nowhere else: a text, a table or a column of
// another name stays as it is.
func TestStatementsNameTheMainSchema(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]struct{ named, bare string }{
		`SELECT id FROM public.imports`:                {`SELECT id FROM "my.own".imports`, `SELECT id FROM imports`},
		`SELECT FROM(public."point_targets")`:          {`SELECT FROM("my.own"."point_targets")`, `SELECT FROM("point_targets")`},
		`SELECT nspname = current_schema()`:            {`SELECT nspname = 'my.own'`, `SELECT nspname = current_schema()`},
		`SELECT 'the public.imports, it''s public.x'`:  {`SELECT 'the public.imports, it''s public.x'`, `SELECT 'the public.imports, it''s public.x'`},
		`SELECT "public.x", "a""public.y"`:             {`SELECT "public.x", "a""public.y"`, `SELECT "public.x", "a""public.y"`},
		`SELECT republic.x FROM not_public.y`:          {`SELECT republic.x FROM not_public.y`, `SELECT republic.x FROM not_public.y`},
		"SELECT 1 -- isn't public.x\nFROM public.x":    {"SELECT 1 -- isn't public.x\nFROM \"my.own\".x", "SELECT 1 -- isn't public.x\nFROM x"},
		`SELECT my_current_schema(), 'public.' || 'x'`: {`SELECT my_current_schema(), 'public.' || 'x'`, `SELECT my_current_schema(), 'public.' || 'x'`},
	} {
		require.Equal(t, want.named, guarded{schema: "my.own"}.named(sql))
		require.Equal(t, want.bare, guarded{}.named(sql))
	}
}
