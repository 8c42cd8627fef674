// Package chrometest drives the console in a real browser: chromium, without a window. A test fails for what the
// browser's console tells: a script that throws, a style or a script that the page's policy refuses, an address that is
// not there.
package chrometest

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// patience bounds all that a test does in a browser; go test itself waits longer, so that chromium is ended.
const patience = 4 * time.Minute

// Tab is a tab of the browser.
type Tab struct {
	testing.TB

	base   string
	ctx    context.Context //nolint:containedctx // chromedp keeps the tab there
	breaks *atomic.Bool
}

// New returns a tab in which the key has signed in at the address http://HOST:PORT.
func New(tb testing.TB, base, key string) *Tab {
	tb.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true))
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	tb.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	tb.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(tb.Logf)) // of events that it does not know
	tb.Cleanup(cancel)
	t := &Tab{tb, base, ctx, &atomic.Bool{}}
	chromedp.ListenTarget(ctx, func(event any) {
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			tb.Errorf("a script threw: %s", event.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			text := event.Entry.Text
			expected := strings.Contains(text, "status of 4") || t.breaks.Load() && strings.Contains(text, "net::ERR_")
			if event.Entry.Level == log.LevelError && !expected {
				tb.Errorf("the browser says: %s %s", event.Entry.Text, event.Entry.URL)
			}
		}
	})
	t.Do(log.Enable(), chromedp.Navigate(base+"/console/sign-in"), chromedp.SendKeys("#key", key), chromedp.Submit("#key"),
		chromedp.WaitVisible(".app"))
	return t
}

// ExpectBreaks lets the test's connections break: what the browser tells of them fails no test any more.
func (t *Tab) ExpectBreaks() { t.breaks.Store(true) }

// Do does the actions one after another.
func (t *Tab) Do(actions ...chromedp.Action) {
	t.Helper()
	require.NoError(t, chromedp.Run(t.ctx, actions...))
}

// Ask returns what a script returns.
func (t *Tab) Ask(script string) (text string) {
	t.Helper()
	t.Do(chromedp.Evaluate(script, &text))
	return text
}

// Until waits for what a script says of the page, also while the browser goes to another page.
func (t *Tab) Until(script string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var is bool
		return chromedp.Run(t.ctx, chromedp.Evaluate(script, &is)) == nil && is
	}, time.Minute, 100*time.Millisecond, script)
}

// There waits for an element of the page.
func (t *Tab) There(selector string) {
	t.Helper()
	t.Until("document.querySelector(`" + selector + "`) !== null")
}

// Choose sets the language and the theme of the pages, and their width in pixels.
func (t *Tab) Choose(language, theme string, width int64) {
	t.Helper()
	cookie := func(name, value string) chromedp.Action {
		return network.SetCookie(name, value).WithURL(t.base + "/console")
	}
	t.Do(cookie("bestow-language", language), cookie("bestow-theme", theme),
		emulation.SetDeviceMetricsOverride(width, 900, 1, width < 700))
}

// Open goes to the page at the path.
func (t *Tab) Open(path string) {
	t.Helper()
	t.Do(chromedp.Navigate(t.base+path), chromedp.WaitReady("main"))
}

// UntilAt opens the page at the path again and again, as a person does who waits, until a script says of it what is
// waited for.
func (t *Tab) UntilAt(path, script string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var is bool
		return chromedp.Run(t.ctx, chromedp.Navigate(t.base+path), chromedp.Evaluate(script, &is)) == nil && is
	}, time.Minute, time.Second, script)
}
