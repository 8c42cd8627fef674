package events_test

import (
	"testing"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// parked puts n messages aside, whose ids are 1 to n.
func (d *desk) parked(n int) {
	d.Helper()
	for i := range n {
		d.SQL(`INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload) VALUES ($1, 'd', 'grants.point', 3, $2, $3)`,
			[]string{"undecodable", "foreign", "newer_version"}[i%3], 100+i, make([]byte, i))
	}
}

func (d *desk) parkedPage(query string) api.ParkedPage {
	d.Helper()
	a := d.Get("/api/v1/parked" + query)
	require.Equal(d, 200, a.StatusCode, a.Text)
	return desktest.Decoded[api.ParkedPage](a)
}

// The list goes page by page, newest first, and shows what is needed to find the message in Kafka.
func TestParkedList(t *testing.T) {
	t.Parallel()
	d := setup(t)
	require.JSONEq(t, `{"items": [], "next_cursor": null}`, d.Get("/api/v1/parked").Text)
	d.parked(7)
	var seen []int64
	for cursor := ""; ; {
		page := d.parkedPage("?limit=3" + cursor)
		for _, p := range page.Items {
			seen = append(seen, p.ID)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + *page.NextCursor
	}
	require.Equal(t, []int64{7, 6, 5, 4, 3, 2, 1}, seen)
	newer := d.parkedPage("?cause=newer_version").Items
	require.Len(t, newer, 2)
	p := newer[0]
	require.NotZero(t, p.At)
	p.At = d.parkedPage("?limit=1").Items[0].At
	require.Equal(t, api.Parked{
		ID: 6, Cause: "newer_version", Detail: "d", Topic: "grants.point", Partition: 3,
		Offset: 105, Size: 5, At: p.At,
	}, p)
	d.SQL(`UPDATE parked_messages SET replayed_at = now() WHERE id = 6`)
	require.Len(t, d.parkedPage("?replayed=true").Items, 1)
	require.Len(t, d.parkedPage("?replayed=false").Items, 6)

	d.PointEvent("a")
	d.PointEvent("b")
	events := desktest.Decoded[api.Events](d.Get("/api/v1/events?limit=1"))
	for _, query := range []string{
		"?cursor=" + *events.NextCursor, "?cause=odd", "?replayed=maybe", "?limit=0",
		"?state=open",
	} {
		d.Get("/api/v1/parked"+query).Refused(400, api.BadRequest)
	}
}

// A replay is a job of the caller's transaction; asked for while it is under way it changes nothing.
func TestParkedReplay(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.parked(2)
	jobs := func() int {
		return d.Count(`SELECT count(*) FROM river.river_job WHERE kind = 'replay' AND queue = 'relay' AND max_attempts > 30000 AND args = '{"parked_id": 1}'`)
	}
	a := d.Post("/api/v1/parked/1/replay", "", "Idempotency-Key: k")
	require.Equal(t, 202, a.StatusCode, a.Text)
	p := desktest.Decoded[api.Parked](a)
	require.True(t, p.Replayed)
	require.True(t, p.Replaying)
	require.Equal(t, 1, jobs())
	again := d.Post("/api/v1/parked/1/replay", "", "Idempotency-Key: k")
	require.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
	require.Equal(t, a.Text, again.Text)
	require.Equal(t, 202, again.StatusCode)
	require.Equal(t, 200, d.Post("/api/v1/parked/1/replay", "").StatusCode, "it is under way")
	require.Equal(t, 1, jobs())
	d.Post("/api/v1/parked/2/replay", "", "Idempotency-Key: k").Refused(422, "key_reused")

	d.SQL(`UPDATE river.river_job SET state = 'completed', finalized_at = now() WHERE kind = 'replay'`)
	p = d.parkedPage("?replayed=true").Items[0]
	require.False(t, p.Replaying)
	require.Equal(t, 202, d.Post("/api/v1/parked/1/replay", "").StatusCode, "a person may ask once more")
	require.Equal(t, 2, jobs())

	for _, id := range []string{"3", "0", "-1", "x", "9223372036854775808"} {
		d.Post("/api/v1/parked/"+id+"/replay", "").Refused(404, "not_found")
	}
	d.SQL(`UPDATE parked_messages SET payload = decode(repeat('00', 1 << 20), 'hex') WHERE id = 2`)
	require.NotEmpty(t, d.Post("/api/v1/parked/2/replay", "").Refused(409, "not_replayable").Hint)
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM parked_messages WHERE replayed_at IS NULL`))
}

// A replay that is refused, or whose transaction fails, leaves neither a mark nor a job.
func TestParkedReplayIsOneTransaction(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.parked(1)
	d.SQL(`ALTER TABLE river.river_job ADD CONSTRAINT no CHECK (kind <> 'replay')`)
	d.Post("/api/v1/parked/1/replay", "").Refused(500, api.Internal)
	require.Zero(t, d.Count(`SELECT count(*) FROM parked_messages WHERE replayed_at IS NOT NULL`), "no job, no mark")
}

// Asked for by many at once, a message is published again once.
func TestParkedReplayAskedAtOnce(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.parked(1)
	var group errgroup.Group
	for range 8 {
		group.Go(func() error { d.Post("/api/v1/parked/1/replay", ""); return nil })
	}
	require.NoError(t, group.Wait())
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM river.river_job WHERE kind = 'replay'`))
}
