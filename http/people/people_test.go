package people_test

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"bestow/domain"
	bestowhttp "bestow/http"
	"bestow/http/api"
	"bestow/http/people"
	"bestow/http/web"
	"bestow/internal/apitest"
	"bestow/internal/desktest"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	password = apitest.Password
	prefix   = "/api/v1"
	noKey    = "Authorization: "
)

// usedCodes makes each code that a phone can show one that was used.
const usedCodes = `UPDATE passwords SET last_step = 1000000000000`

// jobsPage stands for the River UI.
var jobsPage = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "jobs") })

type desk struct{ *desktest.Desk }

func setup(t *testing.T) desk {
	t.Helper()
	return desk{apitest.New(t, bestowhttp.Config{RiverUI: jobsPage})}
}

// phone shows codes.
type phone struct{ secret string }

func (p phone) code(d desk) string {
	d.Helper()
	return apitest.Phone{Secret: p.secret}.Code(d.Desk)
}

// enrolled invites a person, who sets a password and a phone, and returns the phone and the header of the session.
func (d desk) enrolled(name string, role domain.Role) (phone, string) {
	d.Helper()
	a := d.Post(prefix+"/invites", `{"name": "`+name+`", "role": "`+string(role)+`"}`)
	require.Equal(d, 201, a.StatusCode, a.Text)
	token := desktest.Decoded[people.Invite](a).Token
	a = d.Post(prefix+"/invites/open", `{"token": "`+token+`"}`, noKey)
	require.Equal(d, 200, a.StatusCode, a.Text)
	p := phone{desktest.Decoded[people.Enrolment](a).Secret}
	a = d.Post(prefix+"/invites/accept",
		`{"token": "`+token+`", "password": "`+password+`", "code": "`+p.code(d)+`"}`, noKey)
	require.Equal(d, 201, a.StatusCode, a.Text)
	return p, d.cookie(a)
}

// cookie returns the header that sends the cookie of an answer back.
func (d desk) cookie(a desktest.Answer) string {
	d.Helper()
	require.Len(d, a.Cookies(), 1)
	c := a.Cookies()[0]
	require.Equal(d, "__Host-bestow", c.Name)
	require.True(d, c.Secure)
	require.True(d, c.HttpOnly)
	require.Equal(d, http.SameSiteLaxMode, c.SameSite)
	require.Equal(d, "/", c.Path)
	require.Empty(d, c.Domain)
	return "Cookie: " + c.Name + "=" + c.Value
}

func (d desk) signIn(p phone, headers ...string) desktest.Answer {
	d.Helper()
	d.SQL(`UPDATE passwords SET last_step = 0`)
	return d.Post(prefix+"/session", `{"name": "kim", "password": "`+password+`", "code": "`+p.code(d)+`"}`,
		append(headers, noKey)...)
}

// A person who was invited signs in, acts by a role, stands in the audit with the session, and signs out.
func TestSessionLife(t *testing.T) {
	t.Parallel()
	d := setup(t)
	p, first := d.enrolled("kim", domain.Operator)
	me := desktest.Decoded[people.Me](d.Get(prefix+"/session", noKey, first))
	require.Equal(t, "kim", me.Name)
	require.Equal(t, "operator", me.Role)
	require.Equal(t, "127.0.0.1", me.Session.Address)
	require.WithinDuration(t, me.Session.CreatedAt.Add(12*time.Hour), me.Session.ExpiresAt, time.Second)
	require.WithinDuration(t, me.Session.SeenAt.Add(30*time.Minute), me.Session.EndsAt, time.Second)

	a := d.signIn(p, first)
	require.Equal(t, 201, a.StatusCode, a.Text)
	session := d.cookie(a)
	id := desktest.Decoded[people.Me](a).Session.ID
	d.Get(prefix+"/session", noKey, first).Refused(401, api.Unauthorized)

	a = d.Post(prefix+"/events", `{"campaign_id": "a", "event_type": "POINT"}`, noKey, session)
	require.Equal(t, 201, a.StatusCode, a.Text)
	require.Equal(t, "kim", desktest.Decoded[api.Event](a).CreatedBy)
	entry := desktest.Decoded[api.AuditPage](d.Get(prefix + "/audit")).Items[0]
	require.Equal(t, "event.create", entry.Action)
	require.Equal(t, id, *entry.SessionID)
	require.Nil(t, entry.KeyID)
	refused := d.Get(prefix+"/keys", noKey, session).Refused(403, api.Forbidden)
	require.Equal(t, "operator", refused.Role)
	require.Contains(t, refused.Detail, "kim has the role operator")

	a = d.Do("DELETE", prefix+"/session", "", noKey, session)
	require.Equal(t, 204, a.StatusCode)
	require.Negative(t, a.Cookies()[0].MaxAge)
	d.Get(prefix+"/session", noKey, session).Refused(401, api.Unauthorized)
}

// S4: a browser sends the cookie with what other sites make it ask, so the origin counts, for a sign-in too.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	d := setup(t)
	p, session := d.enrolled("kim", domain.Admin)
	body := `{"campaign_id": "a", "event_type": "POINT"}`
	for _, foreign := range []string{
		"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example", "Origin: null",
	} {
		d.Post(prefix+"/events", body, noKey, session, foreign).Refused(403, api.CrossSite)
		d.Do("DELETE", prefix+"/session", "", noKey, session, foreign).Refused(403, api.CrossSite)
		d.signIn(p, foreign).Refused(403, api.CrossSite)
	}
	require.Zero(t, d.Count(`SELECT count(*) FROM campaign_events`))
	a := d.Post(prefix+"/events", body, noKey, session, "Sec-Fetch-Site: same-origin", "Origin: "+d.URL)
	require.Equal(t, 201, a.StatusCode, a.Text)
	require.Equal(t, 200, d.Get(prefix+"/events", noKey, session, "Sec-Fetch-Site: cross-site").StatusCode, "it reads")
	a = d.Post(prefix+"/events", `{"campaign_id": "b", "event_type": "POINT"}`, "Origin: https://evil.example")
	require.Equal(t, 201, a.StatusCode, "no browser adds a key")
}

// Of a key and a session, the key counts, also where it is wrong.
func TestKeyBeforeSession(t *testing.T) {
	t.Parallel()
	d := setup(t)
	_, session := d.enrolled("kim", domain.Viewer)
	me := desktest.Decoded[people.Me](d.Get(prefix+"/session", session))
	require.Equal(t, "admin", me.Name)
	require.Nil(t, me.Session)
	d.Get(prefix+"/session", session, "Authorization: Bearer wrong").Refused(401, api.Unauthorized)
	for _, wrong := range []string{"", "x", strings.Repeat("A", 43)} {
		d.Get(prefix+"/session", noKey, "Cookie: "+web.SessionCookie+"="+wrong).Refused(401, api.Unauthorized)
	}
	d.Do("DELETE", prefix+"/session", "", session).Refused(400, api.BadRequest)
	d.Post(prefix+"/session/fresh", `{"password": "x", "code": "x"}`).Refused(400, api.BadRequest)
}

// What is dangerous asks of a session for a new password and code after five minutes, and of a key never.
func TestStepUp(t *testing.T) {
	t.Parallel()
	d := setup(t)
	p, session := d.enrolled("kim", domain.Admin)
	d.SQL(`UPDATE sessions SET fresh_at = now() - interval '5 minutes'`)
	dangerous := []struct{ method, path, body string }{
		{"POST", "/keys", `{"name": "crm", "role": "viewer"}`},
		{"DELETE", "/keys/1", ""},
		{"POST", "/invites", `{"name": "lee", "role": "viewer"}`},
		{"POST", "/brake/release", `{"scope": "all", ` + desktest.Why + `}`},
	}
	for _, r := range dangerous {
		d.Do(r.method, prefix+r.path, r.body, noKey, session).Refused(401, api.StepUpNeeded)
	}
	require.Zero(t, d.Count(`SELECT count(*) FROM api_keys`))
	require.Equal(t, 200, d.Get(prefix+"/keys", noKey, session).StatusCode, "to read is not dangerous")
	a := d.Post(prefix+"/brake", `{"scope": "all", `+desktest.Why+`}`, noKey, session)
	require.Equal(t, 200, a.StatusCode, "to stop is not")

	body := `{"password": "` + password + `", "code": "` + p.code(d) + `"}`
	d.SQL(usedCodes)
	d.Post(prefix+"/session/fresh", body, noKey, session).Refused(401, domain.NoSignIn)
	d.SQL(`UPDATE passwords SET last_step = 0`)
	a = d.Post(prefix+"/session/fresh", body, noKey, session)
	require.Equal(t, 200, a.StatusCode, a.Text)
	next := d.cookie(a)
	require.NotEqual(t, session, next)
	d.Get(prefix+"/session", noKey, session).Refused(401, api.Unauthorized)
	for _, r := range dangerous {
		a := d.Do(r.method, prefix+r.path, r.body, noKey, next)
		require.Less(t, a.StatusCode, 300, "%s %s: %s", r.method, r.path, a.Text)
	}
}

// An admin sees who is signed in, and ends a session.
func TestEndSession(t *testing.T) {
	t.Parallel()
	d := setup(t)
	_, session := d.enrolled("kim", domain.Operator)
	all := desktest.Decoded[people.Sessions](d.Get(prefix + "/sessions")).Items
	require.Len(t, all, 1)
	require.Equal(t, "kim", all[0].Name)
	path := prefix + "/sessions/" + strconv.FormatInt(all[0].ID, 10)
	require.Equal(t, 204, d.Do("DELETE", path, "", "X-Reason: lost her phone").StatusCode)
	d.Get(prefix+"/session", noKey, session).Refused(401, api.Unauthorized)
	d.Do("DELETE", path, "").Refused(404, domain.NotFound)
	entry := desktest.Decoded[api.AuditPage](d.Get(prefix + "/audit")).Items[0]
	require.Equal(t, "session.revoke", entry.Action)
	require.Equal(t, "lost her phone", *entry.Reason)
}

// Each refusal of a sign-in is alike, and after many they are told to wait.
func TestSignInRefusals(t *testing.T) {
	t.Parallel()
	d := setup(t)
	p, _ := d.enrolled("kim", domain.Viewer)
	right := `{"name": "kim", "password": "` + password + `", "code": "`
	d.SQL(usedCodes)
	var said []string
	for _, body := range []string{
		`{"name": "park", "password": "x", "code": "1"}`, `{"name": "kim", "password": "x", "code": "1"}`,
		right + `1"}`, right + p.code(d) + `"}`, `{}`,
	} {
		a := d.Post(prefix+"/session", body, noKey)
		refused := a.Refused(401, domain.NoSignIn)
		require.NotEmpty(t, a.Header.Get("WWW-Authenticate"))
		require.Empty(t, a.Cookies())
		refused.RequestID = ""
		said = append(said, refused.Detail+refused.Hint+refused.Title)
	}
	for _, s := range said {
		require.Equal(t, said[0], s)
	}
	d.Post(prefix+"/session", `{"name": 7}`, noKey).Refused(422, domain.Invalid)
	d.Post(prefix+"/session", `{"nom": "kim"}`, noKey).Refused(400, api.Malformed)
	var last desktest.Answer
	for range 40 {
		if last = d.Post(prefix+"/invites/open", `{"token": "x"}`, noKey); last.StatusCode != 404 {
			break
		}
	}
	last.Refused(429, domain.TooManyAttempts)
	require.NotEmpty(t, last.Header.Get("Retry-After"))
}

// S6: River UI takes an admin's session, and no one else's.
func TestRiverBySession(t *testing.T) {
	t.Parallel()
	d := setup(t)
	_, session := d.enrolled("kim", domain.Admin)
	_, other := d.enrolled("lee", domain.Approver)
	require.Equal(t, "jobs", d.Get("/river", noKey, session).Text)
	d.Get("/river", noKey, other).Refused(403, api.Forbidden)
	d.Post("/river/api/jobs/cancel", "{}", noKey, session, "Sec-Fetch-Site: cross-site").Refused(403, api.CrossSite)
}

// No password, code or token stands in the log.
func TestLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	d := setup(t)
	p, session := d.enrolled("kim", domain.Admin)
	d.Post(prefix+"/session", `{"name": "kim", "password": "`+password+`", "code": "no code"}`, noKey)
	d.Get(prefix+"/session", noKey, session)
	text := d.Logged.String()
	require.Contains(t, text, "path=/api/v1/session status=401")
	_, token, _ := strings.Cut(session, "=")
	for _, secret := range []string{password, p.secret, token} {
		require.NotContains(t, text, secret)
	}
}

// An admin sees who has access, and changes it: sessions and keys end with it, and no one changes their own.
func TestManagePeople(t *testing.T) {
	t.Parallel()
	d := setup(t)
	_, cookie := d.enrolled("kim", domain.Operator)
	key := desktest.Decoded[api.MadeKey](d.Post(prefix+"/keys", `{"name": "crm", "role": "viewer"}`))
	byKey := "Authorization: Bearer " + key.Secret

	list := desktest.Decoded[people.People](d.Get(prefix + "/people?limit=1"))
	require.Len(t, list.Items, 1)
	crm := list.Items[0]
	require.Equal(t, "crm service viewer 1 false", strings.Join([]string{
		crm.Name, crm.Kind, crm.Role, strconv.Itoa(crm.Keys), strconv.FormatBool(crm.Disabled),
	}, " "))
	list = desktest.Decoded[people.People](d.Get(prefix + "/people?cursor=" + *list.NextCursor))
	require.Len(t, list.Items, 2)
	require.Nil(t, list.NextCursor)
	kim, admin := list.Items[0], list.Items[1]
	require.Equal(t, []any{"kim", "person", true, false}, []any{kim.Name, kim.Kind, kim.Password, kim.Company})
	require.NotNil(t, kim.SeenAt)

	at := func(p people.Person) string { return prefix + "/people/" + strconv.FormatInt(p.ID, 10) }
	patch := func(p people.Person, body string, headers ...string) desktest.Answer {
		return d.Do("PATCH", at(p), body, append(headers, "Content-Type: application/merge-patch+json")...)
	}
	patch(kim, `{"role": "admin"}`, cookie, noKey).Refused(403, api.Forbidden)
	patch(kim, `{"role": "boss"}`).Refused(422, domain.Invalid)
	nulls := patch(kim, `{"role": null, "disabled": null}`).Refused(422, domain.Invalid)
	require.Len(t, nulls.Errors, 2)
	require.Len(t, patch(kim, `{"role": 5}`).Refused(422, domain.Invalid).Errors, 1)
	patch(people.Person{ID: 99}, `{"disabled": true}`).Refused(404, domain.NotFound)
	changed := desktest.Decoded[people.Person](patch(kim, `{"role": "admin"}`, "X-Reason: she leads the team"))
	require.Equal(t, "admin", changed.Role)
	require.Equal(t, 401, d.Get(prefix+"/events", cookie, noKey).StatusCode, "the session had the old role")
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'person.edit' AND actor = 'admin'
		AND reason = 'she leads the team' AND before->>'role' = 'operator' AND after->>'role' = 'admin'`))

	require.True(t, desktest.Decoded[people.Person](patch(crm, `{"disabled": true}`)).Disabled)
	require.Equal(t, 401, d.Get(prefix+"/events", byKey).StatusCode)
	require.False(t, desktest.Decoded[people.Person](patch(crm, `{"disabled": false}`)).Disabled)
	require.Contains(t, patch(admin, `{"disabled": true}`).Refused(422, domain.Invalid).Detail, "BESTOW_ADMIN_KEY")
	ops := desktest.Decoded[api.MadeKey](d.Post(prefix+"/keys", `{"name": "ops", "role": "admin"}`))
	own := desktest.Decoded[people.People](d.Get(prefix + "/people?limit=1")).Items[0]
	p := patch(own, `{"role": "approver"}`, "Authorization: Bearer "+ops.Secret).Refused(422, domain.Invalid)
	require.Contains(t, p.Detail, "one's own access")
}

// The access of a person has an ETag, which their keys and visits leave as it is; a PATCH with another one changes
// nothing.
func TestPersonIfMatch(t *testing.T) {
	t.Parallel()
	d := setup(t)
	desktest.Decoded[api.MadeKey](d.Post(prefix+"/keys", `{"name": "crm", "role": "viewer"}`))
	crm := desktest.Decoded[people.People](d.Get(prefix + "/people?limit=1")).Items[0]
	at := prefix + "/people/" + strconv.FormatInt(crm.ID, 10)
	a := d.Get(at)
	require.Equal(t, crm, desktest.Decoded[people.Person](a))
	read := a.Header.Get("ETag")
	require.Regexp(t, `^"[0-9a-f]{16}"$`, read)
	d.Get(prefix+"/people/99").Refused(404, domain.NotFound)
	desktest.Decoded[api.MadeKey](d.Post(prefix+"/keys", `{"name": "crm", "role": "viewer"}`))
	require.Equal(t, read, d.Get(at).Header.Get("ETag"))

	patch := func(body string, headers ...string) desktest.Answer { return d.Do("PATCH", at, body, headers...) }
	changed := patch(`{"role": "operator"}`, "If-Match: "+read)
	require.Equal(t, "operator", desktest.Decoded[people.Person](changed).Role)
	require.Equal(t, changed.Header.Get("ETag"), d.Get(at).Header.Get("ETag"))
	p := patch(`{"disabled": true}`, "If-Match: "+read).Refused(412, api.PreconditionFailed)
	require.Contains(t, p.Detail, "somebody has changed the access since it was read")
	require.False(t, desktest.Decoded[people.Person](d.Get(at)).Disabled)
	require.Equal(t, 200, patch(`{"disabled": true}`, "If-Match: "+changed.Header.Get("ETag")).StatusCode)
	patch(`{"disabled": false}`, "If-Match: "+changed.Header.Get("ETag")).Refused(412, api.PreconditionFailed)
	require.Equal(t, 200, patch(`{"disabled": false}`, "If-Match: *").StatusCode)
	require.Equal(t, 200, patch(`{"role": "viewer"}`).StatusCode)
}

// A stream that was opened ends soon after its session, or its key, has ended.
func TestStreamEndsWithAccess(t *testing.T) {
	t.Parallel()
	d := setup(t)
	_, cookie := d.enrolled("kim", domain.Operator)
	key := desktest.Decoded[api.MadeKey](d.Post(prefix+"/keys", `{"name": "crm", "role": "viewer"}`))
	e := d.PointEvent("spring")
	d.Plant(e.ID)
	open := func(header, value string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+desktest.EventURL(e.ID)+"/progress", nil)
		require.NoError(t, err)
		req.Header.Set("Accept", web.EventStream)
		req.Header.Set(header, value)
		res, err := d.Client().Do(req)
		require.NoError(t, err)
		t.Cleanup(func() { _ = res.Body.Close() })
		require.Equal(t, 200, res.StatusCode)
		return res
	}
	streams := []*http.Response{
		open("Cookie", strings.TrimPrefix(cookie, "Cookie: ")), open("Authorization", "Bearer "+key.Secret),
		open("Authorization", "Bearer "+desktest.Key),
	}
	d.SQL(`UPDATE principals SET disabled_at = now() WHERE name = 'kim'`)
	require.Equal(t, 204, d.Do("DELETE", prefix+"/keys/"+strconv.FormatInt(key.ID, 10), "").StatusCode)
	for _, s := range streams[:2] {
		_, err := io.Copy(io.Discard, s.Body) // to its end
		require.NoError(t, err)
	}
	lines := bufio.NewScanner(streams[2].Body)
	for messages := 0; messages < 17; { // one a second: the look of the fifteenth ended nothing
		require.True(t, lines.Scan())
		if strings.HasPrefix(lines.Text(), "data: ") {
			messages++
		}
	}
}
