package console_test

import (
	"fmt"
	"strings"
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// A campaign's page draws how fast it went and how far each partition is, and says who did what to it.
func TestCampaignShowsHowItWent(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 40)
	b := d.SignedIn(domain.Operator)
	here := fmt.Sprintf("/console/campaigns/%d", e.ID)
	require.NotContains(t, b.Get(here).Text, "<polyline", "nothing was granted yet")
	b.Led(b.Post(here+"/start", "once", "a", "typed", "20000"), here+"?done=started")
	d.SQL(`UPDATE grant_chunks SET published_at = now() - interval '1 minute'`)
	d.SQL(`UPDATE grant_chunks SET claimed_at = now() - interval '50 seconds', settled_count = target_count
		WHERE partition_key = (SELECT min(partition_key) FROM grant_chunks)`)

	p := b.Get(here)
	require.Contains(t, p.Text, `<polyline class="ln" points="0,`)
	require.Regexp(t, `aria-label="Settled a second, last \d+"`, p.Text)
	require.Contains(t, p.Text, "Settled/s", "the same numbers as a table")
	require.Regexp(t, `<li class="hot"><div class="k"><span>p\d`, p.Text, "a message waits for a minute")
	require.Contains(t, p.Text, "1 behind")

	d.SQL(`INSERT INTO audit_log (actor, action, event_id, object) SELECT 'kim', 'pin.reveal', $1, 'x' FROM generate_series(1, 40)`, e.ID)
	b.Led(b.Post(here+"/stop", "once", "b", "memo", "a wrong list"), here+"?done=stopped")
	p = b.Get(here)
	_, happened, _ := strings.Cut(p.Text, "What happened")
	require.Regexp(t, `(?s)Stopped.*a-operator.*a wrong list.*Started.*a-operator.*List added.*Made`, happened)
	require.NotContains(t, p.Text, `class="hot"`, "what is in Kafka waits for nothing now")
	require.NotContains(t, p.Text, "1 behind")
}

// The overview has one stream for all campaigns: their numbers each second, and the whole as soon as another one runs.
func TestOverviewIsLive(t *testing.T) {
	t.Parallel()
	d := setup(t)
	first, second := d.PointEvent("spring"), d.PointEvent("autumn")
	d.Members(first.ID, 40)
	d.Members(second.ID, 40)
	b := d.SignedIn(domain.Operator)
	require.Equal(t, 202, d.Ask("start", first).StatusCode)
	d.SQL(`UPDATE campaign_event_summary SET published_count = 40, success_count = 25, fail_count = 3 WHERE event_id = $1`, first.ID)
	p := b.Get("/console")
	require.Contains(t, p.Text, `data-live="/console/live"`)
	require.Contains(t, p.Text, fmt.Sprintf(`data-run="%d"`, first.ID))
	require.NotContains(t, p.Text, fmt.Sprintf(`data-run="%d"`, second.ID))

	stream := b.Stream("/console/live")
	m := stream.Next()
	require.Regexp(t, fmt.Sprintf(`"%d":\{"texts":\{[^}]*"ok":"25"`, first.ID), m)
	require.NotContains(t, m, "autumn")
	require.Equal(t, 202, d.Ask("start", second).StatusCode)
	for !strings.Contains(m, fmt.Sprintf(`"%d":{"texts"`, second.ID)) {
		m = stream.Next()
	}
	m = stream.Next() // of the same second
	require.Contains(t, m, `"overview":`)
	require.Contains(t, m, fmt.Sprintf(`data-run=\"%d\"`, second.ID))
}
