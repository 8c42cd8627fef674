//go:build browser

package journey

import (
	"strings"
	"testing"
	"time"

	"bestow/internal/apitest"
	"bestow/internal/chrometest"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// An admin invites a person, who sets a password with the phone and is signed in: as a viewer, who sees the ids of
// members masked, and buttons that are locked and say who may use them.
func TestBrowserInvitesAViewer(t *testing.T) {
	s := serve(t)
	tab := chrometest.New(t, s.base, s.key)
	tab.Choose("en", "light", 1440)
	tab.Open("/console/keys")
	tab.Do(chromedp.Click("[commandfor=d-invite]", chromedp.ByQuery), chromedp.WaitVisible("#invite-name"),
		chromedp.SendKeys("#invite-name", "kim"), chromedp.Click("#d-invite .df .pri", chromedp.ByQuery))
	tab.There("pre.key")
	link := strings.TrimSpace(tab.Ask(`document.querySelector('pre.key').textContent`))
	require.True(t, strings.HasPrefix(link, s.base+"/invite?token="), link)
	tab.Do(chromedp.Click(`form[action="/console/sign-out"] button`, chromedp.ByQuery))
	tab.There("#key")

	tab.Do(chromedp.Navigate(link), chromedp.Click("form button", chromedp.ByQuery))
	tab.There("input[name=code]")
	phone := apitest.Phone{Secret: tab.Ask(`document.querySelector('code').textContent`)}
	tab.Do(chromedp.SendKeys("input[name=password]", apitest.Password),
		chromedp.SendKeys("input[name=code]", phone.CodeAt(t, time.Now())), chromedp.Click("form button", chromedp.ByQuery))
	tab.Until(`document.body.innerText.includes('you are signed in')`)

	tab.Open("/console/campaigns/1")
	locked := `document.querySelector('.top [commandfor=d-brake]')`
	require.Equal(t, "true", tab.Ask(locked+`.getAttribute('aria-disabled')`))
	require.Contains(t, tab.Ask(locked+`.title`), "operator")
	tab.Do(chromedp.Evaluate(locked+`.click()`, nil))
	require.Equal(t, "null", tab.Ask(`String(document.querySelector('dialog[open]'))`), "a locked button opens nothing")

	const member = "M10000000" // of the demo's list
	tab.Open("/console/campaigns/1/members/" + member)
	text := tab.Ask(`document.querySelector('main').innerText`)
	require.NotContains(t, text, member)
	require.Contains(t, text, "M1******00")
	tab.Open("/console/keys")
	require.Contains(t, tab.Ask(`document.querySelector('main').innerText`), "admin", "who can give the right")
}
