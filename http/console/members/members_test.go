package members_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"bestow/app/pins"
	"bestow/domain"
	bestowhttp "bestow/http"
	"bestow/internal/apitest"
	"bestow/internal/consoletest"
	"bestow/internal/desktest"
	"bestow/internal/pg"
	"bestow/internal/pgtest"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// regexpNext finds the link to the next page.
var regexpNext = regexp.MustCompile(`href="(/console/members\?[^"]*cursor=[^"]*)"`)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The box at the top finds a campaign by its campaign ID or its number, and else leads to the member.
func TestFind(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	d.PointEvent("spring")
	b := d.SignedIn(domain.Viewer)
	require.Contains(t, b.Get("/console").Text, `action="/console/find"`)
	for q, path := range map[string]string{
		"spring": "/console/campaigns/1", "1": "/console/campaigns/1", "%231": "/console/campaigns/1",
		"2": "/console/members?q=2", "01": "/console/members?q=01", "+m+7+": "/console/members?q=m+7",
		"a%2Fb": "/console/members?q=a%2Fb", "": "/console/members?q=",
	} {
		b.Led(b.Get("/console/find?q="+q), path)
	}
	d.List(1, "", "1", "spring")
	for q, path := range map[string]string{
		"1": "/console/members?q=1", "spring": "/console/members?q=spring", "%231": "/console/campaigns/1",
	} {
		b.Led(b.Get("/console/find?q="+q), path)
	}
	for _, path := range []string{"/console/members?q=1", "/console/members/spring"} {
		require.Contains(t, b.Get(path).Text, `<a href="/console/campaigns/1">Open campaign #1<`, path)
	}
	require.NotContains(t, b.Get("/console/members?q=2").Text, "Open campaign")
	require.Equal(t, 400, b.Get("/console/find?q=%00").StatusCode)
	require.Equal(t, 400, b.Get("/console/find?q=%ff").StatusCode)
	require.Contains(t, b.Get("/console/members").Text, "Type the whole ID")
}

// A member's page has the campaigns with the member, fifty at a time, and a lost zero is found.
func TestMember(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	const campaigns = 52
	for i := range campaigns {
		e := d.PointEvent(fmt.Sprintf("c-%02d", i))
		d.List(e.ID, "", "0123456789")
	}
	d.SQL(`INSERT INTO point_results (event_id, amount, member_id, status, error_code) VALUES
		(52, 500, '0123456789', 'SUCCESS', NULL), (51, 500, '0123456789', 'PERMANENTLY_FAILED', 'account_locked')`)
	b := d.SignedIn(domain.Operator)
	p := b.Get("/console/members?q=0123456789")
	require.Equal(t, 200, p.StatusCode, p.Text)
	require.Contains(t, p.Text, "0123456789")
	require.Contains(t, p.Text, `href="/console/campaigns/52/members/0123456789">c-51<`)
	require.Contains(t, p.Text, "account_locked")
	require.Contains(t, p.Text, "c-02")
	require.NotContains(t, p.Text, "c-01")
	next := regexpNext.FindStringSubmatch(p.Text)
	require.NotNil(t, next)
	p = b.Get(html.UnescapeString(next[1]))
	require.Contains(t, p.Text, "c-01")
	require.Contains(t, p.Text, "First")
	require.NotContains(t, p.Text, "c-02")

	require.Contains(t, b.Get("/console/members?q=123456789").Text, "There is a member 0123456789.")
	require.Contains(t, b.Get("/console/campaigns/1/members/123456789").Text, "There is a member 0123456789.")
	require.NotContains(t, b.Get("/console/members?q=77").Text, "There is a member")
	viewer := d.SignedIn(domain.Viewer)
	for _, path := range []string{"/console/members?q=0123456789", "/console/campaigns/52/members/0123456789"} {
		p = viewer.Get(path)
		require.Contains(t, p.Text, domain.MaskMember("0123456789"))
		require.NotContains(t, p.Text, ">0123456789<")
	}
	for _, rubbish := range []string{"?q=%00", "?q=x&cursor=rubbish", "/%ff"} {
		require.GreaterOrEqual(t, b.Get("/console/members"+rubbish).StatusCode, 400, rubbish)
	}
}

// The trace says why a member got something, or did not, in the order of time.
func TestTrace(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	d.List(e.ID, "", "m1", "m2", "a/b")
	b := d.SignedIn(domain.Operator)
	at := func(member string) string { return "/console/campaigns/1/members/" + url.PathEscape(member) }
	require.Contains(t, b.Get(at("m1")).Text, "The campaign has not started yet.")
	require.Contains(t, b.Get(at("a/b")).Text, "The campaign has not started yet.")
	require.Contains(t, b.Get(at("m9")).Text, "no list has the member")
	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING'`)
	require.Contains(t, b.Get(at("m1")).Text, "The ledger was not asked yet.")
	d.SQL(`INSERT INTO point_results (event_id, amount, member_id, status, error_code, error_message, retry_count, money_tx_id) VALUES
		(1, 500, 'm1', 'SUCCESS', NULL, NULL, 1, 'P9'), (1, 500, 'm2', 'PERMANENTLY_FAILED', 'account_locked', 'locked <by> hand', 5, NULL)`)
	p := b.Get(at("m1"))
	require.Contains(t, p.Text, "Granted: 500")
	require.Contains(t, p.Text, "refused 1 time")
	require.Contains(t, p.Text, "P9")
	require.Regexp(t, `(?s)Became a target.*>Granted<`, p.Text)
	p = b.Get(at("m2"))
	require.Contains(t, p.Text, "Not granted: ")
	require.Contains(t, p.Text, "locked &lt;by&gt; hand")
	require.NotContains(t, p.Text, at("m2")+"/pin", "points have no PIN")
	b.Cookies["bestow-language"] = "ko"
	require.Contains(t, b.Get(at("m2")).Text, "받지 못했습니다: 계정 잠김")
	for _, path := range []string{"/console/campaigns/9/members/m1", "/console/campaigns/x/members/m1", "/console/campaigns/1/members/%ff"} {
		require.Equal(t, 404, b.Get(path).StatusCode, path)
	}
}

// A row that was rejected is named with its code.
func TestTraceOfARejectedRow(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	d.Post(desktest.EventURL(e.ID)+"/targets", "member_id,amount\nm1,100\nm2,zero\n", "Content-Type: text/csv")
	p := d.SignedIn(domain.Operator).Get("/console/campaigns/1/members/m2")
	require.Contains(t, p.Text, "in a row that was rejected")
	require.Contains(t, p.Text, "line 3 of the file")
	require.Contains(t, p.Text, "bad_amount")
}

// Who may see no PIN finds the button locked, and the form refused.
func TestPINRoles(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.Created(`{"campaign_id": "gift", "event_type": "VOUCHER", "default_amount": 500, "expiry_at": "2099-01-01T00:00:00Z"}`)
	d.List(e.ID, "", "m1")
	d.SQL(`INSERT INTO voucher_results (event_id, amount, member_id, status) VALUES (1, 500, 'm1', 'SUCCESS')`)
	const here = "/console/campaigns/1/members/m1"
	b := d.SignedIn(domain.Operator)
	require.Contains(t, b.Get(here).Text, `commandfor="d-pin" aria-disabled="true"`)
	require.Equal(t, http.StatusForbidden, b.Post(here+"/pin", "reason", "x").StatusCode)
	approver := d.SignedIn(domain.Approver)
	require.NotContains(t, approver.Get(here).Text, `commandfor="d-pin" aria-disabled="true"`)
	refused := approver.Post(here+"/pin", "reason", " ")
	require.Equal(t, http.StatusUnprocessableEntity, refused.StatusCode, refused.Text)
	require.Regexp(t, `(?s)<dialog id="d-pin"[^>]*data-open.*role="alert"`, refused.Text)
	require.Equal(t, 404, approver.Post(here+"/pin", "reason", "x").StatusCode, "there is no PIN")

	d.SQL(`UPDATE sessions SET fresh_at = now() - interval '1 hour'`)
	approver.Server = apitest.Listen(d.Desk, bestowhttp.Config{App: desktest.NewApp(t, d.Pool, nil), LocalCookies: true})
	action := here + "/pin?back=" + url.QueryEscape(here)
	require.Contains(t, approver.Get(here).Text, `action="`+action+`"`)
	approver.Led(approver.Post(action, "reason", "x"), "/console/confirm?next="+url.QueryEscape(here))
	approver.Led(approver.Post(here+"/pin?back=//evil.example", "reason", "x"), "/console/confirm?next=%2Fconsole")
}

// A PIN is shown once, in the answer to a person who says why, and the audit keeps who saw it.
func TestPIN(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.Created(`{"campaign_id": "gift", "event_type": "VOUCHER", "default_amount": 500, "expiry_at": "2099-01-01T00:00:00Z"}`)
	master, err := seal.NewMaster(seal.GenerateMaster())
	require.NoError(t, err)
	sealed, err := pg.Value(t.Context(), d.Pool, func(tx pgx.Tx) ([]string, error) {
		return pins.NewSealer(master).Seal(t.Context(), tx, e.ID, []string{"m1"}, []string{"48213907"})
	})
	require.NoError(t, err)
	d.SQL(`INSERT INTO voucher_results (event_id, member_id, amount, status, money_tx_id, voucher_code, voucher_pin)
		VALUES (1, 'm1', 500, 'SUCCESS', 'V7', 'JBQK', $1)`, sealed[0])
	a := desktest.NewApp(t, d.Pool, nil)
	a.PINs, err = pins.NewRevealer(d.Pool, master)
	require.NoError(t, err)
	b := d.SignedIn(domain.Approver)
	b.Server = apitest.Listen(d.Desk, bestowhttp.Config{App: a, LocalCookies: true})
	const here = "/console/campaigns/1/members/m1"
	require.NotContains(t, b.Get(here).Text, "48213907")
	p := b.Post(here+"/pin", "reason", "ticket 7")
	require.Equal(t, 200, p.StatusCode, p.Text)
	require.Contains(t, p.Text, "48213907")
	require.Contains(t, p.Text, "JBQK")
	require.Equal(t, "no-store", p.Header.Get("Cache-Control"))
	require.Equal(t, "30; url="+here, p.Header.Get("Refresh"), "it does not stay on the screen")
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'pin.reveal' AND actor = 'a-approver' AND reason = 'ticket 7'`))
	require.NotContains(t, b.Get(here).Text, "48213907")

	_, form, _ := strings.Cut(b.Get(here).Text, `id="d-pin"`)
	once := regexp.MustCompile(`name="once" value="([^"]*)"`).FindStringSubmatch(form)
	require.NotNil(t, once)
	for range 12 { // ten acts a minute are allowed
		require.Contains(t, b.Post(here+"/pin", "reason", "ticket 8", "once", once[1]).Text, "48213907")
	}
	seen := func() int { return d.Count(`SELECT count(*) FROM audit_log WHERE action = 'pin.reveal'`) }
	require.Equal(t, 2, seen())
	require.Contains(t, b.Post(here+"/pin", "reason", "ticket 9", "once", once[1]).Text, "48213907")
	require.Equal(t, 3, seen(), "another reason is another act")
}
