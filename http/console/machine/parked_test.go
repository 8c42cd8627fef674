package machine_test

import (
	"net/http"
	"strings"
	"testing"

	"bestow/domain"
	"bestow/internal/consoletest"

	"github.com/stretchr/testify/require"
)

// parked puts messages aside, one of each cause; their ids are 1, 2 and 3.
func parked(d *consoletest.Desk) {
	d.SQL(`INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload) VALUES
		('newer_version', 'schema 3', 'grants.point', 3, 12877, 'x'), ('foreign', 'member 0550011229', 'grants.point', 1, 12790, 'xy'),
		('undecodable', 'not JSON', 'grants.point', 0, 441, 'xyz')`)
}

// The page says what is wrong with each message and where it is, and hides the member from a viewer, who may not replay.
func TestParked(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	viewer := d.SignedIn(domain.Viewer)
	require.Contains(t, viewer.Get("/console/parked").Text, "No message is parked")
	parked(d)
	p := viewer.Get("/console/parked")
	for _, want := range []string{"grants.point · 3 · 12877", "Not a target", "Upgrade the handlers", `<span class="c">3</span>`, "it may name a member"} {
		require.Contains(t, p.Text, want)
	}
	require.NotContains(t, p.Text, "0550011229")
	require.Contains(t, strings.Join(strings.Fields(p.Text), " "), `commandfor="d-replay-1" aria-disabled="true"`)
	require.Equal(t, http.StatusForbidden, viewer.Post("/console/parked/1/replay", "once", "a").StatusCode)

	operator := d.SignedIn(domain.Operator)
	require.Contains(t, operator.Get("/console/parked").Text, "0550011229")
	one := operator.Get("/console/parked?cause=foreign").Text
	require.Contains(t, one, "12790")
	require.NotContains(t, one, "12877")
	require.Contains(t, operator.Get("/console").Text, `<a href="/console/parked">3 parked messages</a>`)
}

// A form sent twice asks for one replay; the message leaves those that wait, and stays among all.
func TestReplay(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	parked(d)
	b := d.SignedIn(domain.Operator)
	once := b.Field(b.Get("/console/parked"), "/console/parked/1/replay", "once")
	for range 2 {
		b.Led(b.Post("/console/parked/1/replay", "once", once), "/console/parked?replayed=all&done=replayed")
	}
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'parked.replay' AND actor = 'a-operator'`))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM river.river_job WHERE kind = 'replay'`))
	waiting := b.Get("/console/parked").Text
	require.NotContains(t, waiting, "12877")
	require.Contains(t, waiting, `<span class="c">2</span>`)
	all := b.Get("/console/parked?replayed=all&done=replayed").Text
	require.Contains(t, all, "12877")
	require.Contains(t, all, "Being sent")
	require.Contains(t, all, "Its replay is under way")
}

// Pages go on by a cursor that keeps the filter.
func TestParkedPages(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	d.SQL(`INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload)
		SELECT 'foreign', 'd', 'grants.point', 0, i, 'x' FROM generate_series(1, 120) i`)
	b := d.SignedIn(domain.Operator)
	first := b.Get("/console/parked?cause=foreign")
	require.Contains(t, first.Text, "99+")
	require.NotContains(t, first.Text, ">First<")
	_, rest, found := strings.Cut(first.Text, `href="/console/parked?cause=foreign&amp;cursor=`)
	require.True(t, found)
	cursor, _, _ := strings.Cut(rest, `"`)
	second := b.Get("/console/parked?cause=foreign&cursor=" + cursor)
	require.Contains(t, second.Text, "grants.point · 0 · 70<")
	require.NotContains(t, second.Text, "grants.point · 0 · 71<")
	require.Contains(t, second.Text, ">First<")
}

// Rubbish gets a page.
func TestMachineTakesNoRubbish(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t).SignedIn(domain.Operator)
	for path, status := range map[string]int{
		"/console/parked?cause=%00": 400, "/console/parked?cause=none": 200, "/console/parked?cursor=x": 400,
		"/console/parked?replayed=x": 200, "/console/system?x=%FF": 200,
	} {
		require.Equal(t, status, b.Get(path).StatusCode, path)
	}
	for _, id := range []string{"0", "x", "9", "99999999999999999999"} {
		require.Equal(t, 404, b.Post("/console/parked/"+id+"/replay", "once", "a").StatusCode, id)
	}
}

// All messages of a cause are replayed at once, and a form sent twice does it once; the page counts what waits.
func TestReplayOfACause(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	parked(d)
	d.SQL(`INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload)
		SELECT 'newer_version', 'schema 3', 'grants.point', 4, n, 'x' FROM generate_series(1, 60) n`)
	b := d.SignedIn(domain.Operator)
	p := b.Get("/console/parked?cause=newer_version")
	for _, want := range []string{"All 63<", "Of a newer version 61<", "Not a target 1<", "Replay all 61 messages"} {
		require.Contains(t, strings.Join(strings.Fields(p.Text), " "), want)
	}
	once := b.Field(p, "/console/parked/replay", "once")
	for range 2 {
		b.Led(b.Post("/console/parked/replay", "once", once, "cause", "newer_version"), "/console/parked?replayed=all&done=replayed_all")
	}
	require.Contains(t, b.Get("/console/parked?replayed=all&done=replayed_all").Text, "The replay of 61 messages is under way")
	require.Equal(t, 61, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'parked.replay'`))
	require.Equal(t, 61, d.Count(`SELECT count(*) FROM river.river_job WHERE kind = 'replay'`))
	require.Equal(t, 2, d.Count(`SELECT count(*) FROM parked_messages WHERE replayed_at IS NULL`), "other causes stay")
	b.Led(b.Post("/console/parked/replay", "once", "other", "cause", "newer_version"),
		"/console/parked?cause=newer_version&done=none_replayed")
	require.Equal(t, http.StatusBadRequest, b.Post("/console/parked/replay", "once", "x", "cause", "any").StatusCode)
	require.Equal(t, http.StatusForbidden,
		d.SignedIn(domain.Viewer).Post("/console/parked/replay", "once", "y", "cause", "foreign").StatusCode)
}

// A message's page shows its bytes, as text if they are, and as numbers; a viewer sees none, since they name members.
func TestParkedContent(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	d.SQL(`INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload) VALUES
		('foreign', 'member 7', 'grants.point', 1, 1, '{"member":"0550011229"}'), ('undecodable', 'not JSON', 'grants.point', 0, 2, '\x1f8b00ff'),
		('undecodable', 'not JSON', 'grants.point', 0, 3, convert_to(repeat('가', 9000), 'UTF8'))`)
	b := d.SignedIn(domain.Operator)
	require.Contains(t, b.Get("/console/parked").Text, `href="/console/parked/1"`)
	require.Contains(t, b.Get("/console/parked/1").Text, "{\n  &#34;member&#34;: &#34;0550011229&#34;\n}")
	require.Contains(t, b.Get("/console/parked/1?as=hex").Text, "00000000  7b 22 6d 65")
	require.Contains(t, b.Get("/console/parked/2").Text, "00000000  1f 8b 00 ff")
	cut := b.Get("/console/parked/3").Text
	require.Contains(t, cut, "가가")
	require.Contains(t, cut, "Only the first 16,384 bytes")
	for _, none := range []string{"9", "x", "0"} {
		require.Equal(t, http.StatusNotFound, b.Get("/console/parked/"+none).StatusCode)
	}
	hidden := d.SignedIn(domain.Viewer).Get("/console/parked/1").Text
	require.Contains(t, hidden, "it may name a member")
	require.NotContains(t, hidden, "0550011229")
}

// The page of a message of many levels is not much longer than the message: indented, this one is of 134 MB.
func TestParkedContentOfManyLevels(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	d.SQL(`INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload) VALUES
		('foreign', 'd', 'grants.point', 1, 1, convert_to(repeat('[', 8192) || repeat(']', 8192), 'UTF8')),
		('foreign', 'd', 'grants.point', 1, 2, convert_to(repeat('["]",', 3000), 'UTF8')),
		('foreign', 'd', 'grants.point', 1, 3, '[[[[["]"]]]]]')`)
	b := d.SignedIn(domain.Operator)
	for _, id := range []string{"1", "2"} {
		p := b.Get("/console/parked/" + id)
		require.Equal(t, http.StatusOK, p.StatusCode)
		require.Less(t, len(p.Text), 1<<20, "not the whole page: it is too long")
		require.Contains(t, p.Text, map[string]string{"1": "[[[[[[", "2": `[&#34;]&#34;,[&#34;]&#34;,`}[id])
	}
	require.Contains(t, b.Get("/console/parked/3").Text, "\n        [\n          &#34;]&#34;\n        ]\n")
}
