package campaigns_test

import (
	"strings"
	"testing"

	"bestow/domain"
	"bestow/internal/consoletest"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const here = "/console/campaigns/1"

// completed makes a campaign that is complete: of five members one was granted, two are locked, one withdrew, and one
// was given up without a code.
func completed(t *testing.T) *consoletest.Desk {
	t.Helper()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	d.List(e.ID, "", "m1", "m2", "m3", "m4", "m5")
	d.SQL(`UPDATE campaign_events SET event_status = 'COMPLETED'`)
	d.SQL(`UPDATE campaign_event_summary SET published_count = 5, success_count = 1, fail_count = 4, started_at = now(), completed_at = now()`)
	d.SQL(`INSERT INTO point_results (event_id, amount, member_id, status, error_code) VALUES
		(1, 500, 'm1', 'SUCCESS', NULL), (1, 500, 'm2', 'PERMANENTLY_FAILED', 'account_locked'),
		(1, 500, 'm3', 'PERMANENTLY_FAILED', 'account_locked'), (1, 500, 'm4', 'PERMANENTLY_FAILED', 'member_withdrawn'),
		(1, 500, 'm5', 'PERMANENTLY_FAILED', NULL)`)
	return d
}

// dialog returns the dialog of a page, its blanks as one.
func dialog(p consoletest.Page, id string) string {
	_, text, _ := strings.Cut(p.Text, `<dialog id="`+id+`"`)
	text, _, _ = strings.Cut(text, "</dialog>")
	return strings.Join(strings.Fields(text), " ")
}

// A retry says how many members and how much it takes, without those that are being tried again, and what it took.
func TestRetry(t *testing.T) {
	t.Parallel()
	d := completed(t)
	b := d.SignedIn(domain.Operator)
	text := dialog(b.Get(here), "d-retry")
	for _, want := range []string{
		"<dd>4</dd>", "2,000", "two thousand", "Retry 4 members<", `value="account_locked">Retry 2 members<`,
		`value="member_withdrawn">Retry 1 member<`,
	} {
		require.Contains(t, text, want)
	}
	once := b.Field(b.Get(here), here+"/retry", "once")
	for range 2 {
		b.Led(b.Post(here+"/retry", "once", once, "error_code", "account_locked"), here+"?done=retry_begun")
		require.Contains(t, b.Get(here+"?done=retry_begun").Text, "The retry of 2 members has begun.")
	}
	p := b.Get(here)
	require.Contains(t, p.Text, "2 members are being tried again.")
	require.Contains(t, dialog(p, "d-retry"), "Retry 2 members<", "those are not counted")
	require.NotContains(t, dialog(p, "d-retry"), "account_locked")

	b.Led(b.Post(here+"/retry", "once", "b", "error_code", "account_locked"), here+"?done=none_again")
	p = b.Get(here + "?done=none_again")
	require.Regexp(t, `class="note warn" role="status">.{0,60}No member can be tried again: all are`, p.Text)
	b.Led(b.Post(here+"/retry", "once", "c"), here+"?done=retry_begun")
	require.NotContains(t, b.Get(here).Text, `commandfor="d-retry"`)

	wrong := b.Post(here+"/retry", "once", "d", "error_code", strings.Repeat("x", 51))
	require.Equal(t, 422, wrong.StatusCode)
}

// After the expiry nothing is offered but what the ledger contradicted itself about, and the page says why.
func TestRetryAfterTheExpiry(t *testing.T) {
	t.Parallel()
	d := completed(t)
	d.SQL(`UPDATE campaign_events SET expiry_at = now() - interval '1 hour'`)
	b := d.SignedIn(domain.Operator)
	p := b.Get(here)
	require.NotContains(t, p.Text, `commandfor="d-retry"`)
	require.Contains(t, p.Text, "The expiry has passed")
	require.NotContains(t, p.Text, "Granted if the cause has gone")
	b.Led(b.Post(here+"/retry", "once", "a"), here+"?done=none_expired")
	require.Contains(t, b.Get(here+"?done=none_expired").Text, "expiry has passed.")
	require.NotContains(t, b.Get(here).Text, "has begun")

	d.SQL(`UPDATE point_results SET error_code = 'mismatch' WHERE member_id = 'm4'`)
	require.Contains(t, dialog(b.Get(here), "d-retry"), "Retry 1 member<")
}

// Stop and resume say how many members are left and how much that is at the most, and a form that was refused says what
// was wrong in its own dialog.
func TestStakesOfStopAndResume(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	d.List(e.ID, "", "m1", "m2", "m3", "m4")
	b := d.SignedIn(domain.Operator)
	wrong := b.Post(here+"/start", "once", "a", "typed", "1")
	require.Equal(t, 422, wrong.StatusCode)
	require.Regexp(t, `data-open.*role="alert".*type the number 2000`, dialog(wrong, "d-start"))
	b.Led(b.Post(here+"/start", "once", "b", "typed", "2000"), here+"?done=started")
	d.SQL(`UPDATE campaign_event_summary SET published_count = 4, success_count = 1`)

	text := dialog(b.Get(here), "d-stop")
	require.Regexp(t, `Sum, at most</dt>.{0,30}1,500.*one thousand five hundred`, text)
	require.Contains(t, text, `Stop with <span data-s="left">3</span> left`)
	wrong = b.Post(here+"/stop", "once", "c", "memo", " ")
	require.Regexp(t, `data-open.*role="alert"`, dialog(wrong, "d-stop"))
	b.Led(b.Post(here+"/stop", "once", "d", "memo", "a wrong list"), here+"?done=stopped")

	text = dialog(b.Get(here), "d-resume")
	require.Regexp(t, `Sum</dt>.{0,30}1,500.*one thousand five hundred`, text)
	wrong = b.Post(here+"/resume", "once", "e", "typed", "4")
	require.Regexp(t, `data-open.*role="alert".*type the number 3`, dialog(wrong, "d-resume"))
	require.NotContains(t, dialog(b.Get(here), "d-resume"), `role="alert"`)

	d.SQL(`UPDATE event_facts SET max = 900`)
	require.Regexp(t, `Sum, at most</dt>.{0,30}1,500`, dialog(b.Get(here), "d-resume"), "all but one of at least 500")
	d.SQL(`DELETE FROM event_facts`)
	require.Regexp(t, `Sum, at most</dt>.{0,30}1,500`, dialog(b.Get(here), "d-resume"), "three of at most 500")
	d.SQL(`UPDATE imports SET max_amount = NULL`)
	require.Regexp(t, `Sum, at most</dt>.{0,30}1,999`, dialog(b.Get(here), "d-resume"), "one had 1 at least")
}
