package machine_test

import (
	"fmt"
	"regexp"
	"testing"

	"bestow/domain"
	"bestow/internal/consoletest"

	"github.com/stretchr/testify/require"
)

// stateOf returns the class of what the head of the page says.
func stateOf(t *testing.T, p consoletest.Page) string {
	t.Helper()
	m := regexp.MustCompile(`<p class="sub"><span class="st (\w+)">`).FindStringSubmatch(p.Text)
	require.NotNil(t, m, p.Text)
	return m[1]
}

// The page says at once whether grants work, and which part does not.
func TestSystem(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Viewer)
	d.SQL(`DELETE FROM processes`)
	p := b.Get("/console/system")
	require.Equal(t, "bad", stateOf(t, p))
	for _, want := range []string{"No process with the role relay runs", "No process with the role handler runs", "No process runs."} {
		require.Contains(t, p.Text, want)
	}

	d.SQL(`INSERT INTO processes (id, roles, version, host, pid, started_at, seen_at, reports) VALUES
		(gen_random_uuid(), '{api,relay,handler,jobs}', 'v1', 'host-1', 41, now() - interval '2 hours', now(), '[]')`)
	d.SQL(`INSERT INTO river.river_leader (elected_at, expires_at, leader_id, name) VALUES (now(), now() + interval '1 hour', 'l', 'default')
		ON CONFLICT (name) DO UPDATE SET expires_at = excluded.expires_at`)
	p = b.Get("/console/system")
	require.Equal(t, "ok", stateOf(t, p), p.Text)
	require.Contains(t, p.Text, "host-1")
	require.Contains(t, p.Text, "2 h")
	require.Contains(t, p.Text, "Nothing is held up")

	d.SQL(`INSERT INTO processes (id, roles, version, host, pid, started_at, seen_at, reports) VALUES
		(gen_random_uuid(), '{handler}', 'v2', 'host-2', 42, now(), now(), $1)`,
		`[{"code": "ledger_away", "text": "money gave no answer", "ledger": "money", "age_ms": 100}]`)
	p = b.Get("/console/system")
	require.Equal(t, "part", stateOf(t, p), p.Text)
	require.Contains(t, p.Text, "Processes of different versions")
	require.Contains(t, p.Text, "The ledger money does not answer")

	d.SQL(`INSERT INTO brakes (scope, memo, by) VALUES ('all', 'a wrong list', 'oncall')`)
	require.Equal(t, "stop", stateOf(t, b.Get("/console/system")))
}

// The page says what waits in Kafka, by the partition: what no handler has claimed of the campaigns that run.
func TestSystemShowsWhatWaitsInKafka(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 40)
	b := d.SignedIn(domain.Viewer)
	d.SQL(`UPDATE grant_chunks SET published_at = now() - interval '65 seconds'`)
	p := b.Get("/console/system")
	require.Contains(t, p.Text, "no message waits", "the campaign does not run")
	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING'`)
	d.SQL(`UPDATE grant_chunks SET claimed_at = now() WHERE partition_key <> 2`)
	behind := d.Count(`SELECT target_count FROM grant_chunks WHERE partition_key = 2`)
	p = b.Get("/console/system")
	require.Contains(t, p.Text, "oldest waits 1 min")
	require.Regexp(t, fmt.Sprintf(`(?s)POINT</td><td[^>]*>p2</td><td[^>]*>1</td><td[^>]*>%d</td><td[^>]*>1 min`, behind), p.Text)
	require.NotContains(t, p.Text, ">p1<")
}
