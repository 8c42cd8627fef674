package audit_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"bestow/domain"
	"bestow/internal/consoletest"

	"github.com/stretchr/testify/require"
)

// The page shows who did what, and what changed by it, and is narrowed by each filter.
func TestAudit(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	d.SQL(`INSERT INTO audit_log (at, actor, action, event_id, object, before, after, reason) VALUES
		('2026-03-18 14:59Z', 'oncall-a', 'event.stop', 7, 'event 7', '{"event_status": "RUNNING"}', '{"event_status": "STOPPED"}', 'a <b>wrong</b> amount'),
		('2026-03-18 15:00Z', 'mkt-01', 'import.add', 8, 'import 3 of event 8', NULL, '{"accepted": 200, "made_at": "x"}', NULL),
		('2026-03-20 00:00Z', 'mkt-01', 'odd.action', NULL, 'key 3 of crm', NULL, NULL, NULL)`)
	b := d.SignedIn(domain.Viewer)
	all := b.Get("/console/audit")
	require.Equal(t, http.StatusOK, all.StatusCode)
	for _, want := range []string{
		"Campaign stopped", "a &lt;b&gt;wrong&lt;/b&gt; amount", `href="/console/campaigns/7"`, "campaign #7", "odd.action",
		"STOPPED", "03-18 23:59:00", "&#34;event_status&#34;: &#34;RUNNING&#34;",
		`<option value="policy.create_begin">New policy ordered<`, `<option value="event.retry_begin">Retry begun<`,
	} {
		require.Contains(t, all.Text, want)
	}
	// The days of the filter are those of the zone: 15:00 UTC is the next day in Seoul.
	for query, want := range map[string][]string{
		"?actor=mkt-01&since=2026-03-01&until=2026-03-31":   {"import 3 of event 8", "key 3 of crm"},
		"?action=event.stop":                                {"campaign #7"},
		"?object=3+of+event":                                {"import 3 of event 8"},
		"?event_id=%237":                                    {"campaign #7"},
		"?since=2026-03-01&until=2026-03-18&actor=&action=": {"campaign #7"},
		"?since=2026-03-19&until=2026-03-19":                {"import 3 of event 8"},
	} {
		require.Equal(t, want, objects(b.Get("/console/audit"+query)), query)
	}
	none := b.Get("/console/audit?actor=nobody")
	require.Contains(t, none.Text, "No change matches")
	require.Contains(t, none.Text, `value="nobody"`, "the filter stays")
}

// objects returns what the rows of the page are about, sorted as the oldest first.
func objects(p consoletest.Page) (all []string) {
	for _, m := range regexp.MustCompile(`data-l="Of what">(?:<a [^>]*>)?([^<]*)<`).FindAllStringSubmatch(p.Text, -1) {
		all = append([]string{strings.TrimSpace(m[1])}, all...)
	}
	return all
}

// Pages go on by a cursor that keeps the filter, and show each change once.
func TestAuditPages(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	d.SQL(`INSERT INTO audit_log (actor, action, object) SELECT 'x', 'event.edit', 'thing ' || i FROM generate_series(1, 120) i`)
	b := d.SignedIn(domain.Viewer)
	seen, path := map[string]bool{}, "/console/audit?actor=x"
	for range 3 {
		p := b.Get(path)
		for _, name := range objects(p) {
			require.False(t, seen[name])
			seen[name] = true
		}
		next := regexp.MustCompile(`href="(/console/audit\?actor=x&amp;cursor=[^"]*)"`).FindStringSubmatch(p.Text)
		if next == nil {
			break
		}
		path = strings.ReplaceAll(next[1], "&amp;", "&")
	}
	require.Len(t, seen, 120)
}

// What is typed wrongly is told on the page, and nothing is a fault of ours.
func TestAuditTakesNoRubbish(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t).SignedIn(domain.Viewer)
	for query, status := range map[string]int{
		"?since=yesterday": 422, "?until=2026-13-01": 422, "?event_id=x": 422, "?event_id=0": 422,
		"?cursor=x": 400, "?actor=%00": 400, "?object=%FF": 400, "?action=" + strings.Repeat("a", 5000): 200,
		"?since=0001-01-01": 200, "?until=9999-12-31": 200, "?event_id=9223372036854775808": 422,
	} {
		p := b.Get("/console/audit" + query)
		require.Equal(t, status, p.StatusCode, query)
		require.Contains(t, p.Text, "<h1>Audit log</h1>", query)
		require.Equal(t, status != 200, strings.Contains(p.Text, `role="alert"`), query)
	}
	b.Cookies = map[string]string{}
	b.Led(b.Get("/console/audit"), fmt.Sprintf("/console/sign-in?next=%s", "%2Fconsole%2Faudit"))
}

// The page says how far the chain goes, whether it was whole when a proof compared it, and the head to keep elsewhere.
func TestAuditShowsTheChain(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	b := d.SignedIn(domain.Viewer)
	require.Contains(t, b.Get("/console/audit").Text, "No row is linked yet")
	require.NoError(t, d.App.Audit.Link(t.Context()))
	p := b.Get("/console/audit")
	require.Regexp(t, `Chain of hashes 1 – \d+<`, p.Text)
	require.Contains(t, p.Text, "It was never compared")
	require.Regexp(t, `>\d+:[0-9a-f]{64}<`, p.Text)

	require.NoError(t, d.App.Verify.MakeReport(t.Context(), e.ID, "kim"))
	p = b.Get("/console/audit")
	require.Contains(t, p.Text, "whole at the last comparison")
	require.Contains(t, p.Text, fmt.Sprintf(`href="/console/campaigns/%d/proof"`, e.ID))

	d.SQL(`ALTER TABLE audit_log DISABLE TRIGGER USER`)
	d.SQL(`UPDATE audit_log SET actor = 'lee' WHERE id = (SELECT min(audit_id) FROM audit_chain)`)
	require.NoError(t, d.App.Verify.MakeReport(t.Context(), e.ID, "kim"))
	require.Contains(t, b.Get("/console/audit").Text, "differs from the record")
}
