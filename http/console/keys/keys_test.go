package keys_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"bestow/domain"
	bestowhttp "bestow/http"
	"bestow/internal/apitest"
	"bestow/internal/consoletest"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// Only admins see who has keys, and others are told who may.
func TestKeysAreForAdmins(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	for _, role := range []domain.Role{domain.Viewer, domain.Operator, domain.Approver} {
		b := d.SignedIn(role)
		p := b.Get("/console/keys")
		require.Equal(t, http.StatusForbidden, p.StatusCode, role)
		require.Contains(t, p.Text, "Your role may not do this")
		require.Equal(t, http.StatusForbidden, b.Post("/console/keys", "name", "crm", "role", "admin").StatusCode, role)
		require.Equal(t, http.StatusForbidden, b.Post("/console/keys/invite", "name", "x", "role", "admin").StatusCode, role)
		require.Equal(t, http.StatusForbidden, b.Post("/console/keys/people/1", "role", "admin").StatusCode, role)
	}
	require.Zero(t, d.Count(`SELECT count(*) FROM api_keys`))
}

// A key is shown in the answer that makes it and nowhere else, and works until it is revoked by its name.
func TestKeyLife(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Admin)
	fields := []string{"once", "abc", "name", "crm batch", "role", "operator", "expires", "2099-01-01"}
	late := b.Post("/console/keys", fields...)
	require.Equal(t, http.StatusUnprocessableEntity, late.StatusCode)
	require.Regexp(t, `id="d-key"[^>]* data-open`, late.Text)
	require.Contains(t, late.Text, `value="crm batch"`, "what was typed stays")
	require.Contains(t, late.Text, "must be within five years")
	b.Cookies["bestow-language"] = "ko"
	late = b.Post("/console/keys", fields...)
	require.Contains(t, late.Text, `<p lang="ko">5년 안이어야 합니다.</p>`)
	require.NotContains(t, late.Text, "must be within five years")
	b.Cookies["bestow-language"] = "en"

	fields[7] = ""
	made := b.Post("/console/keys", fields...)
	require.Equal(t, http.StatusCreated, made.StatusCode, made.Text)
	require.Equal(t, "no-store", made.Header.Get("Cache-Control"))
	key := regexp.MustCompile(`bestow_[a-z0-9]{8}_[A-Z0-9]+`).FindString(made.Text)
	require.NotEmpty(t, key)
	require.Equal(t, 200, d.Get("/api/v1/events", "Authorization: Bearer "+key).StatusCode)
	again := b.Post("/console/keys", fields...)
	require.Equal(t, http.StatusConflict, again.StatusCode)
	require.Contains(t, again.Text, "This key was shown already")
	p := b.Get("/console/keys")
	require.NotContains(t, p.Text, key)
	require.Contains(t, p.Text, key[:len("bestow_")+8])
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM api_keys`))

	person := b.Post("/console/keys", "once", "d", "name", "a-admin", "role", "admin")
	require.Equal(t, http.StatusConflict, person.StatusCode)
	require.Contains(t, person.Text, "is a person, who signs in and has no key")

	revoke := regexp.MustCompile(`/console/keys/\d+/revoke`).FindString(p.Text)
	wrong := b.Post(revoke, "once", "e", "typed", "crm")
	require.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode)
	require.Regexp(t, `id="d-revoke-\d+"[^>]* data-open`, wrong.Text)
	for _, odd := range []string{"/+", "/0"} { // an id has one way to be written
		path := strings.Replace(revoke, "/keys/", "/keys"+odd, 1)
		require.Equal(t, http.StatusNotFound, b.Post(path, "once", "g"+odd, "typed", "crm batch").StatusCode, path)
	}
	b.Led(b.Post(revoke, "once", "f", "typed", " crm batch "), "/console/keys?done=key_revoked")
	d.Get("/api/v1/events", "Authorization: Bearer "+key).Refused(401, "unauthorized")
	require.Contains(t, b.Get("/console/keys").Text, "Revoked")
}

// What gives access asks a session for the password and a code of the last minutes, and leads back to the page.
func TestKeysNeedAFreshSession(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Admin)
	d.SQL(`UPDATE sessions SET fresh_at = now() - interval '1 hour'`)
	b.Server = apitest.Listen(d.Desk, bestowhttp.Config{App: desktest.NewApp(t, d.Pool, nil), LocalCookies: true})
	for _, path := range []string{"/console/keys", "/console/keys/1/revoke", "/console/keys/invite", "/console/keys/people/1"} {
		b.Led(b.Post(path, "name", "crm", "role", "admin"), "/console/confirm?next=%2Fconsole%2Fkeys")
	}
	require.Equal(t, http.StatusOK, b.Get("/console/keys").StatusCode)
}

// An admin invites a person by a link, changes the role and takes the access away, but never their own.
func TestPeople(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Admin)
	b.Headers["Origin"] = b.Server.URL
	invited := b.Post("/console/keys/invite", "once", "a", "name", "mkt-01", "role", "viewer")
	require.Equal(t, http.StatusCreated, invited.StatusCode, invited.Text)
	link := regexp.MustCompile(regexp.QuoteMeta(b.Server.URL) + `/invite\?token=[A-Za-z0-9_-]+`).FindString(invited.Text)
	require.NotEmpty(t, link, invited.Text)
	require.Contains(t, b.Get(strings.TrimPrefix(link, b.Server.URL)).Text, "token")
	taken := b.Post("/console/keys/invite", "once", "b", "name", "a-admin", "role", "admin")
	require.Equal(t, http.StatusConflict, taken.StatusCode)

	p := b.Get("/console/keys")
	require.NotContains(t, p.Text, link)
	row := func(name string) int64 {
		var id int64
		require.NoError(t, d.Pool.QueryRow(d.Context(), `SELECT id FROM principals WHERE name = $1`, name).Scan(&id))
		return id
	}
	path := "/console/keys/people/" + fmt.Sprint(row("mkt-01"))
	seen := strings.ReplaceAll(b.Field(p, path, "seen"), "&#34;", `"`)
	b.Led(b.Post(path, "once", "c", "seen", seen, "role", "operator", "access", "given"), "/console/keys?done=access_changed")
	b.Led(b.Post(path, "once", "c", "seen", seen, "role", "operator", "access", "given"), "/console/keys?done=access_changed")
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'person.edit'`), "the form was one act")
	stale := b.Post(path, "once", "d", "seen", seen, "role", "admin", "access", "given")
	require.Equal(t, http.StatusPreconditionFailed, stale.StatusCode)
	require.Contains(t, stale.Text, "Another person has changed it meanwhile")
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM principals WHERE name = 'mkt-01' AND role = 'operator'`))

	d.SQL(`UPDATE principals SET disabled_at = now() WHERE name = 'mkt-01'`)
	p = b.Get("/console/keys")
	seen = strings.ReplaceAll(b.Field(p, path, "seen"), "&#34;", `"`)
	for i, access := range [][]string{{}, {"access", ""}, {"access", "GIVEN"}} {
		fields := append([]string{"once", fmt.Sprint("n", i), "seen", seen, "role", "operator"}, access...)
		require.Equal(t, http.StatusUnprocessableEntity, b.Post(path, fields...).StatusCode, access)
	}
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM principals WHERE name = 'mkt-01' AND disabled_at IS NOT NULL`))

	own := b.Post("/console/keys/people/"+fmt.Sprint(row("a-admin")), "once", "e", "role", "viewer", "access", "given")
	require.Equal(t, http.StatusUnprocessableEntity, own.StatusCode)
	require.NotContains(t, p.Text, "/console/keys/people/"+fmt.Sprint(row("a-admin"))+`"`)
}

// Rubbish gets a page.
func TestKeysTakeNoRubbish(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Admin)
	require.Equal(t, 400, b.Get("/console/keys?cursor=x").StatusCode)
	for _, path := range []string{"/console/keys/0/revoke", "/console/keys/x/revoke", "/console/keys/99/revoke", "/console/keys/people/99", "/console/keys/people/x"} {
		require.Equal(t, 404, b.Post(path, "once", "a", "role", "viewer").StatusCode, path)
	}
	for _, fields := range [][]string{
		{"name", "", "role", "viewer"},
		{"name", "x", "role", "king"},
		{"name", "a\x00b", "role", "viewer"},
		{"name", strings.Repeat("a", 51), "role", "viewer"},
		{"name", "x", "role", "viewer", "expires", "tomorrow"},
	} {
		require.Equal(t, 422, b.Post("/console/keys", append(fields, "once", strings.Repeat("b", 9))...).StatusCode, fields)
	}
	require.Equal(t, 422, b.Post("/console/keys/invite", "name", "", "role", "viewer").StatusCode)
	require.Zero(t, d.Count(`SELECT count(*) FROM api_keys`))
}
