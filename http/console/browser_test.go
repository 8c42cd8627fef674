//go:build browser

package console_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/chrometest"
	"bestow/internal/desktest"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// looks are how each page is checked.
var looks = []struct {
	language, theme string
	width           int64
}{
	{"ko", "light", 1440}, {"en", "dark", 1440}, {"en", "light", 1024}, {"ko", "dark", 390}, {"en", "light", 390},
}

// tooWide names what stands out of the page at the right: a person would have to scroll sideways.
const tooWide = `document.documentElement.scrollWidth <= innerWidth ? [] :
	[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
		.slice(0, 3).map(e => e.tagName + '.' + e.className)`

// barriers are what axe finds on a page, each as its rule and the first elements.
const barriers = `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
	.then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(' ')))`

// All pages can be used by those who see, hear or move otherwise, in both languages and themes, and fit three widths.
func TestBrowserFindsNoBarrier(t *testing.T) {
	axe, err := os.ReadFile(os.Getenv("BESTOW_TEST_AXE"))
	require.NoError(t, err, "BESTOW_TEST_AXE is the path of axe.min.js")
	d := setup(t)
	c := chrometest.New(t, d.Local.URL, desktest.Key)
	pages := d.pages()
	for _, look := range looks {
		for _, path := range pages {
			c.Choose(look.language, look.theme, look.width)
			c.Open(path)
			noBarrier(c, axe, fmt.Sprintf("%s in %s, %s, %d px", path, look.language, look.theme, look.width))
		}
	}
}

// noBarrier requires that the page of a tab has no barrier and fits its width.
func noBarrier(c *chrometest.Tab, axe []byte, what string) {
	c.Helper()
	require.NotContains(c, c.Ask(`location.pathname`), "/sign-in", what)
	var wide, found []string
	c.Do(chromedp.Evaluate(tooWide, &wide), chromedp.Evaluate(string(axe), nil),
		chromedp.Evaluate(barriers, &found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
			return p.WithAwaitPromise(true)
		}))
	if len(wide) > 0 {
		c.Errorf("%s: wider than the page: %s", what, wide)
	}
	if len(found) > 0 {
		c.Errorf("%s: %s", what, strings.Join(found, "\n\t"))
	}
}

// pages makes campaigns in all states, and returns the paths of the console's pages.
func (d *desk) pages() []string {
	d.Helper()
	var ids []int64
	for _, name := range []string{"draft", "ready", "runs", "stopped", "done", "unread"} {
		e := d.PointEvent(name)
		ids = append(ids, e.ID)
		if name != "draft" {
			d.Members(e.ID, 40)
		}
	}
	b := d.SignedIn(domain.Operator)
	for _, id := range ids[2:5] {
		d.readChecks(id) // the same list is in several
		b.Led(b.Post(fmt.Sprintf("/console/campaigns/%d/start", id), "typed", "20000"),
			fmt.Sprintf("/console/campaigns/%d?done=started", id))
	}
	d.SQL(`UPDATE grant_chunks SET published_at = now() - interval '1 minute', claimed_at = now() - interval '50 seconds',
		settled_count = target_count WHERE partition_key = 0`)
	b.Post(fmt.Sprintf("/console/campaigns/%d/stop", ids[3]), "memo", "a wrong list")
	require.NoError(d, d.App.Verify.MakeReport(d.Context(), ids[3], "a-operator"))
	d.SQL(`INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload)
		VALUES ('undecodable', 'not JSON', 'bestow.point', 0, 1, 'x')`)
	paths := []string{
		"/console", "/console/campaigns", "/console/campaigns?q=none", "/console/none", "/console/campaigns/new",
		"/console/members", "/console/members?q=m1", "/console/members/m1", "/console/members?q=none", "/console/parked",
		"/console/parked/1", "/console/parked?cause=undecodable",
		"/console/system", "/console/audit", "/console/keys", "/console/types", "/console/ledger",
	}
	for _, id := range ids {
		paths = append(paths, fmt.Sprintf("/console/campaigns/%d", id))
	}
	paths = append(paths, fmt.Sprintf("/console/campaigns/%d/list", ids[5]))
	for _, path := range []string{"edit", "list", "review"} {
		paths = append(paths, fmt.Sprintf("/console/campaigns/%d/%s", ids[1], path))
	}
	stopped := fmt.Sprintf("/console/campaigns/%d", ids[3])
	return append(paths, stopped+"/proof", stopped+"/members/m1", stopped+"/members/none")
}

// readChecks keeps that a person has read what is unusual in the lists of a campaign.
func (d *desk) readChecks(id int64) {
	d.Helper()
	all, err := d.App.Checks.Find(d.Context(), id)
	require.NoError(d, err)
	var keys []string
	for _, f := range all {
		keys = append(keys, f.Key())
	}
	require.NoError(d, d.App.Checks.Read(d.Context(), command.Caller{Actor: "kim"}, id, keys))
}

// While a list comes in, when it was cut off and when it was refused, the page can be used by those who see, hear or move
// otherwise.
func TestBrowserUploadHasNoBarrier(t *testing.T) {
	axe, err := os.ReadFile(os.Getenv("BESTOW_TEST_AXE"))
	require.NoError(t, err, "BESTOW_TEST_AXE is the path of axe.min.js")
	d := setup(t)
	e := d.PointEvent("spring")
	c := chrometest.New(t, d.Local.URL, desktest.Key)
	for _, look := range looks {
		c.Choose(look.language, look.theme, look.width)
		for state, script := range map[string]string{
			"under way": `box.hidden = false; form.hidden = true;`,
			"cut off":   `box.hidden = false; form.hidden = true; box.classList.add('cut'); go.hidden = false;`,
			"refused":   `box.hidden = true; form.hidden = false; document.querySelector('main').prepend(note);`,
		} {
			c.Open(fmt.Sprintf("/console/campaigns/%d/list", e.ID))
			c.Do(chromedp.Evaluate(`{
				const box = document.querySelector('#upload'), form = document.querySelector('form.drop');
				const go = document.querySelector('[data-u=go]');
				const note = document.querySelector('#upload-wrong').content.firstElementChild.cloneNode(true);
				`+script+` }`, nil))
			noBarrier(c, axe, fmt.Sprintf("%s in %s, %s, %d px", state, look.language, look.theme, look.width))
		}
	}
}

// A person starts and stops a campaign with the keyboard alone, by a dialog that holds its button back until the number
// is typed; what runs is shown without a reload.
func TestBrowserStartsAndStops(t *testing.T) {
	d := setup(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 40)
	c := chrometest.New(t, d.Local.URL, desktest.Key)
	here := fmt.Sprintf("/console/campaigns/%d", e.ID)
	c.Choose("en", "light", 1440)
	c.Open(here)
	disabled := `document.querySelector('#d-start .df .pri').disabled`
	var held, free bool
	c.Do(chromedp.Focus(`[commandfor=d-start]`), chromedp.KeyEvent("\r"), chromedp.WaitVisible("#start-typed"),
		chromedp.SendKeys("#start-typed", "19999"), chromedp.Evaluate(disabled, &held),
		chromedp.Evaluate(`document.querySelector('#start-typed').value = ''`, nil), chromedp.SendKeys("#start-typed", "20,000"), chromedp.Evaluate(disabled, &free))
	require.True(t, held)
	require.False(t, free)
	c.Do(chromedp.KeyEvent("\r"))
	c.There("[commandfor=d-stop]")
	require.Equal(t, "RUNNING", d.status(e.ID))

	d.SQL(`UPDATE campaign_event_summary SET success_count = 25 WHERE event_id = $1`, e.ID)
	c.Until(`document.querySelector('[data-s=granted]').textContent === '25'`)
	c.Do(chromedp.Focus(`[commandfor=d-stop]`), chromedp.KeyEvent("\r"), chromedp.WaitVisible("#stop-memo"),
		chromedp.SendKeys("#stop-memo", "a wrong list"), chromedp.Click(`#d-stop .df .dgr`))
	c.There("[commandfor=d-resume]")
	require.Equal(t, "STOPPED", d.status(e.ID))
}

// An overview that stays open shows the numbers of what runs, and another campaign that begins, without a reload.
func TestBrowserKeepsTheOverviewLive(t *testing.T) {
	d := setup(t)
	start := func(name string) int64 {
		e := d.PointEvent(name)
		d.Members(e.ID, 40)
		require.Equal(t, 202, d.Ask("start", e).StatusCode)
		return e.ID
	}
	first := start("spring")
	c := chrometest.New(t, d.Local.URL, desktest.Key)
	c.Choose("en", "light", 1440)
	c.Open("/console")
	c.Do(chromedp.Evaluate(`window.opened = true`, nil))
	d.SQL(`UPDATE campaign_event_summary SET published_count = 40, success_count = 31`)
	c.Until(fmt.Sprintf(`document.querySelector('[data-run="%d"] [data-s=ok]').textContent === '31'`, first))
	second := start("autumn")
	c.Until(fmt.Sprintf(`!!document.querySelector('[data-run="%d"]')`, second))
	c.Until(`document.querySelector('h1').textContent.includes('2 campaigns')`)
	c.Until(`window.opened === true`)
}

// A person tries again those who were given up for one reason, and no others.
func TestBrowserRetriesByReason(t *testing.T) {
	d := setup(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 4)
	d.SQL(`UPDATE campaign_events SET event_status = 'COMPLETED'`)
	d.SQL(`UPDATE campaign_event_summary SET published_count = 4, success_count = 1, fail_count = 3, started_at = now(), completed_at = now()`)
	d.SQL(`INSERT INTO point_results (event_id, amount, member_id, status, error_code) VALUES
		(1, 500, 'm1', 'SUCCESS', NULL), (1, 500, 'm2', 'PERMANENTLY_FAILED', 'account_locked'),
		(1, 500, 'm3', 'PERMANENTLY_FAILED', 'account_locked'), (1, 500, 'm4', 'PERMANENTLY_FAILED', 'member_withdrawn')`)
	c := chrometest.New(t, d.Local.URL, desktest.Key)
	c.Choose("en", "light", 1440)
	c.Open(fmt.Sprintf("/console/campaigns/%d", e.ID))
	c.Do(chromedp.Click(`[commandfor=d-retry]`, chromedp.ByQuery), chromedp.WaitVisible(`#d-retry [value=account_locked]`),
		chromedp.Click(`#d-retry [value=account_locked]`, chromedp.ByQuery))
	c.Until(`document.querySelector('main').innerText.includes('The retry of 2 members has begun.')`)
	text := c.Ask(`document.querySelector('main').innerText`)
	require.Contains(t, text, "2 members are being tried again.")
	require.Contains(t, c.Ask(`document.querySelector('#d-retry').textContent`), "Retry 1 member", "who withdrew is left")
}

// A printed proof has no navigation, and fits one sheet of A4.
func TestBrowserPrints(t *testing.T) {
	d := setup(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 40)
	require.NoError(t, d.App.Verify.MakeReport(t.Context(), e.ID, "kim"))
	c := chrometest.New(t, d.Local.URL, desktest.Key)
	c.Choose("ko", "light", 1440)
	c.Open(fmt.Sprintf("/console/campaigns/%d/proof", e.ID))
	var hidden bool
	c.Do(emulation.SetEmulatedMedia().WithMedia("print"),
		chromedp.Evaluate(`getComputedStyle(document.querySelector('.side')).display === 'none'`, &hidden))
	require.True(t, hidden)
	var pdf []byte
	c.Do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().WithPaperWidth(8.27).WithPaperHeight(11.69).Do(ctx)
		return err
	}))
	require.Equal(t, 1, bytes.Count(pdf, []byte("/Type /Page\n")), "it fits one sheet")
}
