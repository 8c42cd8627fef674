package drafts_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"bestow/domain"
	"bestow/internal/consoletest"

	"github.com/stretchr/testify/require"
)

// readChecks ticks each box of a page of lists, and goes on.
func readChecks(b *consoletest.Browser, list string) consoletest.Page {
	b.Helper()
	p := b.Get(list)
	form := url.Values{"once": {b.Field(p, list+"/read", "once")}}
	for _, box := range regexp.MustCompile(`name="read" value="([^"]+)"`).FindAllStringSubmatch(p.Text, -1) {
		form.Add("read", box[1])
	}
	return b.Send(http.MethodPost, list+"/read", form.Encode())
}

// What is unusual in a list is read before the campaign starts: no step goes on without, and the audit keeps who.
func TestChecksAreReadBeforeTheStart(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	here := fmt.Sprintf("/console/campaigns/%d", e.ID)
	list, review := here+"/list", here+"/review"
	b := d.SignedIn(domain.Operator)
	b.Led(upload(b, list, "once", "a.csv", "member_id,amount\nm1,1000\nm2,1000\n"), list+"?done=imported")
	p := b.Get(list)
	require.Contains(t, p.Text, "Nothing looks strange")
	require.NotContains(t, p.Text, `name="read"`)
	require.Contains(t, b.Get(review).Text, "2,000", "nothing is asked")

	file := "member_id,amount\nm3,1000\nm4,200000\nm4,1\n0012345678,1000\n12345678,1000\n"
	b.Led(upload(b, list, "twice", "b.csv", file), list+"?done=imported")
	p = b.Get(list)
	for _, want := range []string{
		"The highest amount is 100 times", "The highest amount is 200,000 P. Half of the members get 1,023 P or less.",
		"Some members stand there more than once", "1 row was rejected", "Some values do not look like member IDs",
		"I have read this",
	} {
		require.Contains(t, p.Text, want)
	}
	b.Led(b.Get(review), list)
	refused := b.Post(list+"/read", "once", "none")
	require.Equal(t, 409, refused.StatusCode)
	require.Contains(t, refused.Text, "Some checks were not read")
	require.Contains(t, refused.Text, `name="read"`)
	refused = b.Post(here+"/start", "once", "early", "typed", "205000")
	require.Equal(t, 409, refused.StatusCode)
	require.Contains(t, refused.Text, "tick its box")
	require.Equal(t, "PENDING", d.Status(e))

	v := d.SignedIn(domain.Viewer)
	p = v.Get(list)
	require.Contains(t, p.Text, "Some members stand there more than once")
	require.NotContains(t, p.Text, "12345678", "of members a viewer sees none")
	require.NotContains(t, p.Text, `name="read"`)
	require.Equal(t, 403, v.Post(list+"/read").StatusCode)

	b.Led(readChecks(b, list), review)
	p = b.Get(review)
	require.Contains(t, p.Text, "Read by a-operator")
	require.Contains(t, b.Get("/console/audit").Text, "Checks read")
	b.Led(b.Post(here+"/start", "once", "now", "typed", "205,000"), here+"?done=started")
	require.Contains(t, b.Get(here).Text, "Checks read")
}
