//go:build browser

package journey

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bestow/internal/chrometest"
	"bestow/internal/proc"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// service is a demo that stays up.
type service struct{ base, key string }

// serve starts a demo with few members, and waits until it has proven its own events.
func serve(t *testing.T) service {
	t.Helper()
	dir, err := os.MkdirTemp("", "bestow-journey") // not t.TempDir: the demo's PostgreSQL runs as another user
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // G302: the same
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "bestow")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "bestow/cmd/bestow").CombinedOutput()
	require.NoError(t, err, string(out))
	address, err := proc.FreeAddress(t.Context())
	require.NoError(t, err)

	said, err := os.Create(filepath.Join(dir, "said"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = said.Close() })
	ctx, stop := context.WithCancel(context.Background()) //nolint:usetesting // it ends after the browser
	demo := exec.CommandContext(ctx, program, "demo", "--members", "500", "--stay")
	demo.Stdout, demo.Stderr = said, said
	demo.Env = append(os.Environ(), "BESTOW_DATA_DIR="+dir, "BESTOW_ADDR="+address, "BESTOW_OPS_ADDR=127.0.0.1:0")
	demo.Cancel = func() error { return demo.Process.Signal(os.Interrupt) }
	demo.WaitDelay = 30 * time.Second
	require.NoError(t, demo.Start())
	t.Cleanup(func() {
		stop()
		_ = demo.Wait()
	})
	var text []byte
	require.Eventually(t, func() bool {
		text, err = os.ReadFile(said.Name())
		return err == nil && strings.Contains(string(text), "It stays up")
	}, 2*time.Minute, 200*time.Millisecond, "the demo is not up: %s", text)
	key, err := os.ReadFile(filepath.Join(dir, "demo", "admin.key"))
	require.NoError(t, err)
	return service{"http://" + address, strings.TrimSpace(string(key))}
}

// list is a member list as people send them: a member twice, an amount that is none. 0043 is a member whose zeros a
// spreadsheet would take away.
const list = "member_id,amount,reason\n0041,1000,Spring\n0042,1000,Spring\n0043,2000,Spring\n0042,1000,Spring\n0044,1 thousand,Spring\n"

// corrected holds what was refused of the list, put right.
const corrected = "member_id,amount,reason\n0044,1000,Spring\n"

// A person makes a campaign, uploads a list with faults, uploads the corrected rows, starts it, watches it to its end,
// prints the proof and looks members up: in both languages, with and without JavaScript.
func TestBrowserJourneys(t *testing.T) {
	s := serve(t)
	for _, way := range []struct {
		language string
		script   bool
	}{{"ko", true}, {"en", true}, {"ko", false}} {
		name := way.language
		if !way.script {
			name += " without JavaScript"
		}
		t.Run(name, func(t *testing.T) {
			tab := chrometest.New(t, s.base, s.key)
			tab.Choose(way.language, "light", 1440)
			tab.Do(emulation.SetScriptExecutionDisabled(!way.script))
			journey(t, tab, "spring-"+strings.ReplaceAll(name, " ", "-"))
		})
	}
}

func journey(t *testing.T, tab *chrometest.Tab, campaign string) {
	t.Helper()
	draft(tab, campaign)
	upload(t, tab, list)
	tab.There(`a[href*="/rejected?format=original"]`)
	text := tab.Ask(`document.querySelector('main').innerText`)
	require.Contains(t, text, "4,000", "the sum of those that are in")
	upload(t, tab, corrected)
	tab.Until(`document.querySelector('main').innerText.includes('5,000')`)
	readChecks(tab)
	tab.There("[commandfor=d-start]")
	require.Contains(t, tab.Ask(`document.querySelector('main').innerText`), "5,000")

	tab.Do(chromedp.Click("[command=show-modal][commandfor=d-start]", chromedp.ByQuery), chromedp.WaitVisible("#start-typed"),
		chromedp.SendKeys("#start-typed", "5,000"), chromedp.Click("#d-start .df .pri", chromedp.ByQuery))
	tab.There("main .road, main a[href$='/proof']")
	here := tab.Ask(`location.pathname`)
	tab.UntilAt(here, `document.querySelector('h1 .st.ok') !== null`)

	tab.Do(chromedp.Click(`main a[href$="/proof"]`, chromedp.ByQuery))
	tab.There("main form[action$='/proof'] button")
	tab.Do(chromedp.Click("main form[action$='/proof'] button", chromedp.ByQuery))
	tab.There("main .note.good")
	tab.UntilAt(here+"/proof", `document.querySelector('.cert .verdict.jade') !== null`)

	tab.Do(chromedp.SendKeys("#find", "0043\r"))
	tab.Until(`location.pathname === '/console/members'`)
	tab.Do(chromedp.Click(fmt.Sprintf(`main a[href="%s/members/0043"]`, here), chromedp.ByQuery))
	tab.Until(`location.pathname.endsWith('/members/0043')`)
	require.Contains(t, tab.Ask(`document.querySelector('main').innerText`), "2,000")
	tab.Open(here + "/members/43")
	require.Contains(t, tab.Ask(`document.querySelector('main').innerHTML`), "/members/0043", "a zero was lost")
}

// draft makes a campaign, and returns the path of the page of its lists.
func draft(tab *chrometest.Tab, campaign string) string {
	tab.Helper()
	tab.Open("/console")
	tab.Do(chromedp.Click(`main a[href="/console/campaigns/new"]`, chromedp.ByQuery))
	tab.There("#f-campaign")
	tab.Do(chromedp.SendKeys("#f-name", "봄맞이 적립"), chromedp.SendKeys("#f-campaign", campaign), chromedp.Click("main form[action] button.pri", chromedp.ByQuery))
	tab.There("#f-file")
	return tab.Ask(`location.pathname`)
}

// readChecks ticks the box of each check, without which the campaign does not go on, and goes on.
func readChecks(tab *chrometest.Tab) {
	tab.Helper()
	boxes := `document.querySelectorAll('main input[name=read]')`
	require.NotEqual(tab, "0", tab.Ask(boxes+`.length.toString()`), "a member twice is to be read")
	tab.Do(chromedp.Evaluate(boxes+`.forEach(box => box.click())`, nil), chromedp.Click("main .bar-foot .pri", chromedp.ByQuery))
}

// upload chooses a file and sends it.
func upload(t *testing.T, tab *chrometest.Tab, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	tab.Do(chromedp.SetUploadFiles("#f-file", []string{path}), chromedp.Click("form.drop button.pri", chromedp.ByQuery))
}
