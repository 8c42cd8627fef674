package console_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"bestow/domain"
	bestowhttp "bestow/http"
	"bestow/http/auth"
	"bestow/http/console/entry"
	"bestow/internal/apitest"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// Who is not signed in is led to the sign-in, and afterwards to where they wanted to go, but never to another site.
func TestSignIn(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("spring")
	b := d.Browser()
	here := fmt.Sprintf("/console/campaigns/%d", e.ID)
	b.Led(b.Get(here), "/console/sign-in?next="+strings.ReplaceAll(here, "/", "%2F"))
	phone := apitest.Enrol(d.Desk.Desk, "kim", domain.Operator)
	wrong := b.Post("/console/sign-in", "name", "kim", "password", "no", "code", "123456", "next", here)
	require.Equal(t, http.StatusUnauthorized, wrong.StatusCode)
	require.Contains(t, wrong.Text, "The name, the password or the code is wrong")
	require.Contains(t, wrong.Text, `value="kim"`, "what was typed stays")
	require.Contains(t, wrong.Text, `value="`+here+`"`, "where the person wanted to go too")
	b.Led(b.Post("/console/sign-in", "name", "kim", "password", apitest.Password, "code", phone.Code(d.Desk.Desk), "next", here), here)
	require.Contains(t, b.Get(here).Text, "spring")

	b.Led(b.Post("/console/sign-out"), "/console/sign-in")
	b.Led(b.Get(here), "/console/sign-in?next="+strings.ReplaceAll(here, "/", "%2F"))
	for _, elsewhere := range []string{"https://evil.example", "//evil.example", "/river", "/console/../river", `/console/\evil`, "/consolex", ""} {
		d.SQL(`UPDATE passwords SET last_step = 0`)
		b.Led(b.Post("/console/sign-in", "name", "kim", "password", apitest.Password, "code", phone.Code(d.Desk.Desk),
			"next", elsewhere), "/console")
	}
	program := d.Get("/console", "Authorization: ")
	program.Refused(http.StatusUnauthorized, "unauthorized")
}

// A key is for a development on this machine, and no cookie of it counts anywhere else.
func TestSignInWithAKey(t *testing.T) {
	t.Parallel()
	d := setup(t)
	b := d.Browser()
	require.Contains(t, b.Get("/console/sign-in").Text, `name="key"`)
	require.Equal(t, http.StatusUnauthorized, b.Post("/console/sign-in", "key", "wrong").StatusCode)
	b.Led(b.Post("/console/sign-in", "key", desktest.Key), "/console")
	require.Contains(t, b.Get("/console").Text, "admin")
	require.Equal(t, 401, b.Send(http.MethodGet, "/api/v1/events", "").StatusCode, "of the console alone")
	require.Equal(t, 404, b.Get("/console/none").StatusCode)
	require.Equal(t, 404, b.Get("/console/campaigns/1/none").StatusCode)
	require.Contains(t, b.Get("/console").Text, "admin", "a wrong address signs nobody out")

	b.Server = d.Server // as in production
	require.NotContains(t, b.Get("/console/sign-in").Text, `name="key"`)
	require.Equal(t, http.StatusSeeOther, b.Get("/console").StatusCode)
	require.Equal(t, http.StatusUnauthorized, b.Post("/console/sign-in", "key", desktest.Key).StatusCode)
	b.Server, b.Headers["X-Forwarded-For"] = d.Local, "192.0.2.7"
	require.Equal(t, http.StatusSeeOther, b.Get("/console").StatusCode, "it came through a proxy")
	require.Equal(t, http.StatusUnauthorized, b.Post("/console/sign-in", "key", desktest.Key).StatusCode)
}

// What another site makes a browser send is refused, and no page may be framed or loads anything from elsewhere.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 3)
	b := d.SignedIn(domain.Operator)
	b.Headers["Sec-Fetch-Site"] = "cross-site"
	for _, path := range []string{"start", "stop", "resume", "retry"} {
		p := b.Post(fmt.Sprintf("/console/campaigns/%d/%s", e.ID, path), "typed", "1500", "memo", "x")
		require.Equal(t, http.StatusForbidden, p.StatusCode, path)
		require.Contains(t, p.Text, "The request came from another site")
	}
	require.Equal(t, http.StatusForbidden, b.Post("/console/brake", "memo", "x").StatusCode)
	require.Equal(t, http.StatusForbidden, b.Post("/console/look", "lang", "ko").StatusCode)
	delete(b.Headers, "Sec-Fetch-Site")
	b.Headers["Origin"] = "https://evil.example"
	require.Equal(t, http.StatusForbidden, b.Post("/console/brake", "memo", "x").StatusCode)
	delete(b.Headers, "Origin")
	require.Equal(t, "PENDING", d.status(e.ID))

	for _, path := range []string{"/console", "/console/sign-in", "/console/campaigns", "/console/none"} {
		p := b.Get(path)
		policy := p.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.Contains(t, policy, "frame-ancestors 'none'")
		require.NotContains(t, policy, "unsafe")
		require.Equal(t, "no-store", p.Header.Get("Cache-Control"))
		require.NotRegexp(t, `style="|<style|\son[a-z]+="|<script>|(src|href)="(https?:)?//`, p.Text, path)
	}
}

// The style and the script may be kept for ever, since their names change with them.
func TestAssets(t *testing.T) {
	t.Parallel()
	d := setup(t)
	b := d.Browser()
	names := regexp.MustCompile(`/console/assets/console\.[0-9a-f]{16}\.(css|js)`).FindAllString(b.Get("/console/sign-in").Text, -1)
	require.Len(t, names, 2)
	for _, name := range names {
		p := b.Get(name)
		require.Equal(t, 200, p.StatusCode)
		require.Contains(t, p.Header.Get("Cache-Control"), "immutable")
		require.Contains(t, []string{"text/css; charset=utf-8", "text/javascript; charset=utf-8"}, p.Header.Get("Content-Type"))
	}
	require.Equal(t, 404, b.Get("/console/assets/console.0000000000000000.css").StatusCode)
}

func (d *desk) status(id int64) string {
	d.Helper()
	var status string
	require.NoError(d, d.Pool.QueryRow(d.Context(), `SELECT event_status FROM campaign_events WHERE id = $1`, id).Scan(&status))
	return status
}

// A person starts, stops and resumes a campaign by forms: the number at stake is typed, a form that is sent twice is one
// act, and what is wrong is said above the page as it is now.
func TestLifeByForms(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("spring")
	b := d.SignedIn(domain.Operator)
	here := fmt.Sprintf("/console/campaigns/%d", e.ID)
	require.NotContains(t, b.Get(here).Text, here+"/start", "a draft cannot be started")
	d.Members(e.ID, 3)

	p := b.Get(here)
	require.Contains(t, p.Text, "one thousand five hundred")
	once := b.Field(p, here+"/start", "once")
	wrong := b.Post(here+"/start", "once", once, "typed", "1501")
	require.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode)
	require.Regexp(t, `id="d-start"[^>]* data-open`, wrong.Text)
	require.Equal(t, "PENDING", d.status(e.ID))
	b.Led(b.Post(here+"/start", "once", once, "typed", "1,500"), here+"?done=started")
	require.Equal(t, "RUNNING", d.status(e.ID))
	b.Led(b.Post(here+"/start", "once", once, "typed", "1,500"), here+"?done=started")
	require.Contains(t, b.Get(here+"?done=started").Text, "Granting has begun.")
	require.NotContains(t, b.Get(here+"?done=<b>").Text, "<b></b>")

	empty := b.Post(here+"/stop", "once", "a", "memo", " ")
	require.Equal(t, http.StatusUnprocessableEntity, empty.StatusCode)
	require.Regexp(t, `id="d-stop"[^>]* data-open`, empty.Text)
	b.Led(b.Post(here+"/stop", "once", "b", "memo", `wrong <b>amount</b>`), here+"?done=stopped")
	require.Equal(t, "STOPPED", d.status(e.ID))
	p = b.Get(here)
	require.Contains(t, p.Text, "wrong &lt;b&gt;amount&lt;/b&gt;")
	late := b.Post(here+"/start", "once", "c", "typed", "1500")
	require.Equal(t, http.StatusConflict, late.StatusCode)
	require.Contains(t, late.Text, "Its status does not allow this now")
	require.Contains(t, late.Text, here+"/resume", "the page shows what is possible now")

	require.Equal(t, http.StatusUnprocessableEntity, b.Post(here+"/resume", "once", "d", "typed", "4").StatusCode)
	b.Led(b.Post(here+"/resume", "once", "d", "typed", "3"), here+"?done=resumed")
	require.Equal(t, "RUNNING", d.status(e.ID))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'event.start'`))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'event.stop' AND actor = 'a-operator'`))
}

// A viewer sees each button with a lock and the role that it needs, and the server refuses the form either way.
func TestViewerIsLockedOut(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 3)
	b := d.SignedIn(domain.Viewer)
	here := fmt.Sprintf("/console/campaigns/%d", e.ID)
	require.Regexp(t, `commandfor="d-start"[^>]*aria-disabled="true"[^>]*title="This needs one of the roles: operator`,
		strings.Join(strings.Fields(b.Get(here).Text), " "))
	p := b.Post(here+"/start", "once", "a", "typed", "1500")
	require.Equal(t, http.StatusForbidden, p.StatusCode)
	require.Contains(t, p.Text, "Your role may not do this")
	require.Equal(t, "PENDING", d.status(e.ID))
}

// The brake stops all; only an approver releases it, with the password and a code of the last minutes.
func TestBrakeByForms(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 3)
	operator, approver := d.SignedIn(domain.Operator), d.SignedIn(domain.Approver)
	here := fmt.Sprintf("/console/campaigns/%d", e.ID)
	operator.Led(operator.Post(here+"/start", "once", "a", "typed", "1500"), here+"?done=started")
	operator.Led(operator.Post("/console/brake", "once", "b", "memo", "a wrong list"), "/console?done=braked")
	require.Equal(t, "STOPPED", d.status(e.ID))
	require.Contains(t, operator.Get("/console").Text, "a wrong list")
	require.Equal(t, http.StatusForbidden,
		operator.Post("/console/brake/release", "once", "c", "scope", "all", "memo", "fine").StatusCode)

	d.SQL(`UPDATE sessions SET fresh_at = now() - interval '1 hour'`)
	approver.Server = apitest.Listen(d.Desk.Desk, bestowhttp.Config{App: desktest.NewApp(t, d.Pool, nil), LocalCookies: true})
	approver.Led(approver.Post("/console/brake/release", "once", "d", "scope", "all", "memo", "fine"),
		"/console/confirm?next=%2Fconsole")
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM brakes`))
	require.Contains(t, approver.Get("/console/confirm?next=%2Fconsole").Text, "Show that it is you")
}

// The page of a running campaign says where each target is, and the terms add up; its stream says the same.
func TestSumOnThePage(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 1234)
	b := d.SignedIn(domain.Operator)
	here := fmt.Sprintf("/console/campaigns/%d", e.ID)
	b.Led(b.Post(here+"/start", "once", "a", "typed", "617000"), here+"?done=started")
	d.SQL(`UPDATE campaign_event_summary SET published_count = 1000, success_count = 700, fail_count = 30`)
	for _, path := range []string{"/console", here} {
		terms := termsOf(t, b.Get(path).Text)
		require.Equal(t, 1234, terms[0])
		sum := 0
		for _, n := range terms[1:] {
			sum += n
		}
		require.Equal(t, 1234, sum, path)
	}
	line := b.Stream(here + "/live").Next()
	for _, want := range []string{`"ok":"700"`, `"bad":"30"`, `"rest":"234"`, `"kafka":"270"`, `"status":"RUNNING"`, `"x":"0.00%"`} {
		require.Contains(t, line, want)
	}
}

// termsOf returns the terms of the first sum of a page: all targets, and then the parts.
func termsOf(t *testing.T, text string) (terms []int) {
	t.Helper()
	_, rest, found := strings.Cut(text, `<dl class="sum"`)
	require.True(t, found)
	sum, _, _ := strings.Cut(rest, "</dl>")
	for _, m := range regexp.MustCompile(`<dd>(?:<span[^>]*>)?([\d,]+)`).FindAllStringSubmatch(sum, -1) {
		n, err := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
		require.NoError(t, err)
		terms = append(terms, n)
	}
	return terms
}

// Lists go on by a cursor, hold what was asked for in their address, and say where they looked if there is nothing.
func TestCampaigns(t *testing.T) {
	t.Parallel()
	d := setup(t)
	b := d.SignedIn(domain.Viewer)
	require.Contains(t, b.Get("/console/campaigns").Text, "No campaigns yet")
	d.SQL(`INSERT INTO campaign_events (campaign_id, event_type, event_status, total_count, total_amount, partition_count, created_by)
		SELECT 'c' || i, 'POINT', 'PENDING', 0, 0, 4, 'x' FROM generate_series(1, 120) i`)
	d.SQL(`INSERT INTO campaign_event_summary (event_id) SELECT id FROM campaign_events e
		WHERE NOT EXISTS (SELECT FROM campaign_event_summary s WHERE s.event_id = e.id)`)
	seen, path := map[string]bool{}, "/console/campaigns?event_status=PENDING"
	for range 3 {
		p := b.Get(path)
		for _, m := range regexp.MustCompile(`class="name" href="[^"]*">(c\d+)<`).FindAllStringSubmatch(p.Text, -1) {
			require.False(t, seen[m[1]])
			seen[m[1]] = true
		}
		next := regexp.MustCompile(`href="(/console/campaigns\?cursor=[^"]*)"`).FindStringSubmatch(p.Text)
		if next == nil {
			break
		}
		path = strings.ReplaceAll(next[1], "&amp;", "&")
		require.Contains(t, path, "event_status=PENDING")
	}
	require.Len(t, seen, 120)
	require.NotContains(t, b.Get("/console").Text, "%!", "a message lacks an argument")
	require.Contains(t, b.Get("/console/campaigns?q=nothing").Text, "No campaign matches")
	for _, bad := range []string{"?cursor=x", "?q=%00", "?event_type=%FF", "?event_status=%00"} {
		p := b.Get("/console/campaigns" + bad)
		require.Contains(t, []int{200, 400, 422}, p.StatusCode, bad)
	}
	for _, path := range []string{"/console/campaigns/0", "/console/campaigns/x", "/console/campaigns/999999", "/console/none"} {
		p := b.Get(path)
		require.Equal(t, 404, p.StatusCode, path)
		require.Contains(t, p.Text, "There is no such page")
	}
}

// Each entry of the navigation leads to its page, and each of its keys is in the list of keys.
func TestNavigation(t *testing.T) {
	t.Parallel()
	b := setup(t).SignedIn(domain.Admin)
	text := b.Get("/console").Text
	side, _, _ := strings.Cut(text, "</aside>")
	entries := regexp.MustCompile(`<a class="n" href="([^"]*)" title="([^"]*)"(?: data-key="(\w)")?`).FindAllStringSubmatch(side, -1)
	require.Greater(t, len(entries), 5)
	keys := map[string]bool{}
	for _, e := range entries {
		p := b.Get(e[1])
		require.Equal(t, 200, p.StatusCode, e[1])
		require.Contains(t, p.Text, `title="`+e[2]+`"`+map[bool]string{true: ` data-key="` + e[3] + `"`}[e[3] != ""]+` aria-current="page"`)
		if e[3] != "" {
			require.False(t, keys[e[3]], "%s leads to two pages", e[3])
			keys[e[3]] = true
			require.Contains(t, text, "\ng "+e[3]+"|"+e[2]+"\n")
		}
	}
}

// A page is as its reader wants it: the language, the zone and the theme are kept in cookies, without a script.
func TestLook(t *testing.T) {
	t.Parallel()
	d := setup(t)
	b := d.SignedIn(domain.Viewer)
	b.Led(b.Post("/console/look", "lang", "ko", "back", "/console/campaigns?q=x"), "/console/campaigns?q=x")
	b.Led(b.Post("/console/look", "zone", "UTC", "back", "https://evil.example"), "/console")
	b.Led(b.Post("/console/look", "theme", "dark"), "/console")
	text := b.Get("/console").Text
	require.Contains(t, text, `lang="ko" data-theme="dark"`)
	require.Contains(t, text, "지금 지급 중인 캠페인이 없습니다")
	require.Regexp(t, `value="UTC"[^>]*aria-pressed="true"`, text)
	b.Led(b.Post("/console/look", "lang", "xx", "zone", "Mars", "theme", "pink"), "/console")
	require.Equal(t, 200, b.Get("/console").StatusCode)
}

// A link of the demo signs in once, on this machine, and opens the campaign that runs.
func TestLinkSignsInOnce(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 3)
	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING'`)
	link := entry.NewLink(desktest.Key)
	d.Local = apitest.Listen(d.Desk.Desk, bestowhttp.Config{App: d.App, LocalCookies: true, Link: link})
	path := strings.TrimPrefix(link.URL("127.0.0.1:1"), "http://127.0.0.1:1")
	far := d.Browser()
	far.Headers["X-Forwarded-For"] = "192.0.2.7"
	far.Led(far.Get(path), "/console")
	require.Empty(t, far.Cookies["bestow-local-key"])
	wrong := d.Browser()
	wrong.Led(wrong.Get("/console/enter?t=wrong"), "/console")
	require.Empty(t, wrong.Cookies["bestow-local-key"])
	first, second := d.Browser(), d.Browser()
	first.Led(first.Get(path), fmt.Sprintf("/console/campaigns/%d", e.ID))
	require.Contains(t, first.Get("/console").Text, "spring")
	second.Led(second.Get(path), "/console")
	require.Empty(t, second.Cookies["bestow-local-key"])
}

// A person who was signed in before is signed in anew by a key and by a link, and wrong keys are limited as elsewhere.
func TestAKeyCountsBeforeWhatWasThere(t *testing.T) {
	t.Parallel()
	d := setup(t)
	link := entry.NewLink(desktest.Key)
	d.Local = apitest.Listen(d.Desk.Desk, bestowhttp.Config{
		App: d.App, LocalCookies: true, Link: link,
		Guesses: auth.GuessLimits{AddressBurst: 3, AllBurst: 100, AddressPerSecond: 0.001, AllPerSecond: 100},
	})
	b := d.SignedIn(domain.Viewer)
	d.SQL(`UPDATE sessions SET expires_at = now() - interval '1 hour', seen_at = now() - interval '2 hours'`)
	b.Led(b.Get(strings.TrimPrefix(link.URL("127.0.0.1:1"), "http://127.0.0.1:1")), "/console")
	require.Contains(t, b.Get("/console").Text, "<b>admin</b>")
	b.Cookies["bestow-local"] = strings.Repeat("A", 43)
	b.Led(b.Post("/console/sign-in", "key", desktest.Key), "/console")
	require.Empty(t, b.Cookies["bestow-local"])
	require.Contains(t, b.Get("/console").Text, "<b>admin</b>")

	stranger := d.Browser()
	for range 3 {
		require.Equal(t, http.StatusUnauthorized, stranger.Post("/console/sign-in", "key", "wrong").StatusCode)
	}
	require.Equal(t, http.StatusTooManyRequests, stranger.Post("/console/sign-in", "key", "wrong").StatusCode)
}

// A stream ends with a mark when the campaign is at rest, so that the page is read anew once and asks no more.
func TestStreamEndsAtRest(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("spring")
	d.SQL(`UPDATE campaign_events SET event_status = 'STOPPED'`)
	b := d.SignedIn(domain.Viewer)
	p := b.Get(fmt.Sprintf("/console/campaigns/%d/live", e.ID))
	require.Equal(t, 1, strings.Count(p.Text, "data: "), p.Text)
	require.Contains(t, p.Text, `"rest":true`)
}
