//go:build browser

package console_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/desktest"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// chrome is a tab of a real browser in which the admin has signed in. The test fails for what its console tells: a
// script that throws, a style or a script that the page's policy refuses, an address that is not there.
type chrome struct {
	*desk

	tab context.Context //nolint:containedctx // chromedp keeps the tab there
}

// patience bounds a journey in the browser.
const patience = 5 * time.Minute

func (d *desk) chrome() *chrome {
	d.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true))
	ctx, cancel := context.WithTimeout(d.Context(), patience)
	d.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	d.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(d.Logf)) // of events that it does not know
	d.Cleanup(cancel)
	c := &chrome{d, ctx}
	chromedp.ListenTarget(ctx, func(event any) {
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			d.Errorf("a script threw: %s", event.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			if event.Entry.Level == log.LevelError && !strings.Contains(event.Entry.Text, "status of 4") {
				d.Errorf("the browser says: %s %s", event.Entry.Text, event.Entry.URL)
			}
		}
	})
	c.do(log.Enable(), chromedp.Navigate(d.Local.URL+"/console/sign-in"),
		chromedp.SendKeys("#key", desktest.Key), chromedp.Submit("#key"), chromedp.WaitVisible(".app"))
	return c
}

func (c *chrome) do(actions ...chromedp.Action) {
	c.Helper()
	require.NoError(c, chromedp.Run(c.tab, actions...))
}

// until waits for what a script says of the page, also while the browser goes to another page.
func (c *chrome) until(script string) {
	c.Helper()
	require.Eventually(c, func() bool {
		var is bool
		return chromedp.Run(c.tab, chromedp.Evaluate(script, &is)) == nil && is
	}, time.Minute, 100*time.Millisecond, script)
}

// open goes to a page in a language, a theme and a width.
func (c *chrome) open(path, language, theme string, width int64) {
	c.Helper()
	look := func(name, value string) chromedp.Action {
		return network.SetCookie(name, value).WithURL(c.Local.URL + "/console")
	}
	c.do(look("bestow-language", language), look("bestow-theme", theme),
		emulation.SetDeviceMetricsOverride(width, 900, 1, width < 700),
		chromedp.Navigate(c.Local.URL+path), chromedp.WaitReady("main"))
}

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
	c := d.chrome()
	pages := d.pages()
	for _, look := range looks {
		for _, path := range pages {
			c.open(path, look.language, look.theme, look.width)
			var wide, found []string
			c.do(chromedp.Evaluate(tooWide, &wide), chromedp.Evaluate(string(axe), nil),
				chromedp.Evaluate(barriers, &found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
					return p.WithAwaitPromise(true)
				}))
			what := fmt.Sprintf("%s in %s, %s, %d px", path, look.language, look.theme, look.width)
			if len(wide) > 0 {
				t.Errorf("%s: wider than the page: %s", what, wide)
			}
			if len(found) > 0 {
				t.Errorf("%s: %s", what, strings.Join(found, "\n\t"))
			}
		}
	}
}

// pages makes campaigns in all states, and returns the paths of the console's pages.
func (d *desk) pages() []string {
	d.Helper()
	var ids []int64
	for _, name := range []string{"draft", "ready", "runs", "stopped", "done"} {
		e := d.PointEvent(name)
		ids = append(ids, e.ID)
		if name != "draft" {
			d.Members(e.ID, 40)
		}
	}
	b := d.SignedIn(domain.Operator)
	for _, id := range ids[2:] {
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
		"/console/system", "/console/audit", "/console/keys", "/console/types",
	}
	for _, id := range ids {
		paths = append(paths, fmt.Sprintf("/console/campaigns/%d", id))
	}
	for _, path := range []string{"edit", "list", "review"} {
		paths = append(paths, fmt.Sprintf("/console/campaigns/%d/%s", ids[1], path))
	}
	stopped := fmt.Sprintf("/console/campaigns/%d", ids[3])
	return append(paths, stopped+"/proof", stopped+"/members/m1", stopped+"/members/none")
}

// A person starts and stops a campaign with the keyboard alone, by a dialog that holds its button back until the number
// is typed; what runs is shown without a reload.
func TestBrowserStartsAndStops(t *testing.T) {
	d := setup(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 40)
	c := d.chrome()
	here := fmt.Sprintf("/console/campaigns/%d", e.ID)
	c.open(here, "en", "light", 1440)
	disabled := `document.querySelector('#d-start .df .pri').disabled`
	var held, free bool
	c.do(chromedp.Focus(`[commandfor=d-start]`), chromedp.KeyEvent("\r"), chromedp.WaitVisible("#start-typed"),
		chromedp.SendKeys("#start-typed", "19999"), chromedp.Evaluate(disabled, &held),
		chromedp.Evaluate(`document.querySelector('#start-typed').value = ''`, nil), chromedp.SendKeys("#start-typed", "20,000"), chromedp.Evaluate(disabled, &free))
	require.True(t, held)
	require.False(t, free)
	c.do(chromedp.KeyEvent("\r"))
	c.until(`document.querySelector('[commandfor=d-stop]') !== null`)
	require.Equal(t, "RUNNING", d.status(e.ID))

	d.SQL(`UPDATE campaign_event_summary SET success_count = 25 WHERE event_id = $1`, e.ID)
	c.until(`document.querySelector('[data-s=granted]').textContent === '25'`)
	c.do(chromedp.Focus(`[commandfor=d-stop]`), chromedp.KeyEvent("\r"), chromedp.WaitVisible("#stop-memo"),
		chromedp.SendKeys("#stop-memo", "a wrong list"), chromedp.Click(`#d-stop .df .dgr`))
	c.until(`document.querySelector('[commandfor=d-resume]') !== null`)
	require.Equal(t, "STOPPED", d.status(e.ID))
}

// A printed proof has no navigation, and fits one sheet of A4.
func TestBrowserPrints(t *testing.T) {
	d := setup(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 40)
	require.NoError(t, d.App.Verify.MakeReport(t.Context(), e.ID, "kim"))
	c := d.chrome()
	c.open(fmt.Sprintf("/console/campaigns/%d/proof", e.ID), "ko", "light", 1440)
	var hidden bool
	c.do(emulation.SetEmulatedMedia().WithMedia("print"),
		chromedp.Evaluate(`getComputedStyle(document.querySelector('.side')).display === 'none'`, &hidden))
	require.True(t, hidden)
	var pdf []byte
	c.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().WithPaperWidth(8.27).WithPaperHeight(11.69).Do(ctx)
		return err
	}))
	require.Equal(t, 1, bytes.Count(pdf, []byte("/Type /Page\n")), "it fits one sheet")
}
