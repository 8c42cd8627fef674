package desktest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"bestow/http/api"

	"github.com/stretchr/testify/require"
)

// Members imports a list of n members.
func (d *Desk) Members(id int64, n int) {
	d.Helper()
	list := "member_id\n"
	for i := range n {
		list += "m" + strconv.Itoa(i) + "\n"
	}
	a := d.Post(EventURL(id)+"/targets", list, "Content-Type: text/csv")
	require.Equal(d, 201, a.StatusCode, a.Text)
}

// Reserved makes an event of a lane with n targets, which it has before a moment of the past comes; priority "" for
// none.
func (d *Desk) Reserved(campaign, at, priority string, n int) int64 {
	d.Helper()
	if priority != "" {
		priority = `, "reservation_priority": ` + priority
	}
	e := d.Created(
		fmt.Sprintf(`{"campaign_id": %q, "event_type": "POINT", "default_amount": 5, "reservation_at": %q%s}`, campaign,
			Future, priority))
	if n > 0 {
		d.Members(e.ID, n)
	}
	d.SQL(`UPDATE campaign_events SET reservation_at = $2 WHERE id = $1`, e.ID, at)
	return e.ID
}

// Queue asks for the queue.
func (d *Desk) Queue() api.Queue {
	d.Helper()
	a := d.Get("/api/v1/queue")
	require.Equal(d, 200, a.StatusCode, a.Text)
	return Decoded[api.Queue](a)
}

// At makes an event of three members and brings it to a status: by its moves where a person can, by hand where only the
// machine does.
func (d *Desk) At(status, campaign string) api.Event {
	d.Helper()
	e := d.PointEvent(campaign)
	d.Members(e.ID, 3)
	move := func(want int, path, body string) {
		a := d.Post(EventURL(e.ID)+path, body)
		require.Equal(d, want, a.StatusCode, a.Text)
	}
	if status != "PENDING" {
		move(202, "/start", "")
	}
	switch status {
	case "STOPPED", "RESUMED":
		move(200, "/stop", `{"memo": "m"}`)
	case "FAILED":
		d.SQL(`UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'mismatch' WHERE id = $1`, e.ID)
		d.SQL(`UPDATE campaign_event_summary SET stopped_at = now(), stopped_memo = 'm' WHERE event_id = $1`, e.ID)
	case "COMPLETED":
		d.SQL(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, e.ID)
		d.SQL(`UPDATE campaign_event_summary SET completed_at = now(), success_count = 3, published_count = 3 WHERE event_id = $1`, e.ID)
	}
	if status == "RESUMED" {
		move(202, "/resume", "")
	}
	return Decoded[api.Event](d.Get(EventURL(e.ID)))
}

// Running is an event of three members that runs.
func (d *Desk) Running(campaign string) api.Event {
	d.Helper()
	return d.At("RUNNING", campaign)
}

// Status returns what the event's status is now.
func (d *Desk) Status(e api.Event) string {
	d.Helper()
	return Decoded[api.Event](d.Get(EventURL(e.ID))).EventStatus
}

// Process plants a process with the roles, which was seen a moment ago.
func (d *Desk) Process(roles ...string) {
	d.Helper()
	d.SQL(`INSERT INTO processes (id, roles, version, host, pid, seen_at) VALUES (gen_random_uuid(), $1, 'test', 'here', 1, now() + interval '1 hour')`, roles)
}

// Plant puts rows behind the machine's back: an event in the middle of its work.
func (d *Desk) Plant(id int64) {
	d.Helper()
	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING', total_count = 1000, total_amount = 5000 WHERE id = $1`,
		id)
	d.SQL(`UPDATE campaign_event_summary SET published_count = 900, success_count = 400, fail_count = 3, retry_success_count = 2,
		started_at = now() - interval '1 minute' WHERE event_id = $1`, id)
	d.SQL(`INSERT INTO imports (id, event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount)
		VALUES (77, $1, 't', 'text/csv', '', 0, 1000, 0, 5000)`, id)
	d.SQL(`INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, settled_count, import_id, settled_at, open_until)
		VALUES ($1, 0, 1, 300, 300, 300, 77, now() - interval '30 s', NULL), ($1, 0, 301, 400, 100, 100, 77, now(), NULL),
			($1, 1, 401, 500, 100, 40, 77, NULL, now() + interval '10 s'),
			($1, 1, 501, 600, 100, 0, 77, NULL, now() - interval '1 s')`, id)
	d.SQL(`INSERT INTO point_results (event_id, amount, member_id, status, error_code) VALUES
		($1, 5, 'a', 'FAILED', 'busy'), ($1, 5, 'b', 'FAILED', 'busy'), ($1, 5, 'c', 'PENDING', NULL),
		($1, 5, 'd', 'SUCCESS', NULL),
		($1, 5, 'e', 'PERMANENTLY_FAILED', 'withdrawn'), ($1, 5, 'f', 'PERMANENTLY_FAILED', 'withdrawn'),
		($1, 5, 'g', 'PERMANENTLY_FAILED', 'busy')`, id)
	for mode, at := range map[string]string{"retry": "2999-01-01", "first": "2998-01-01"} {
		d.SQL(`INSERT INTO river.river_job (kind, queue, state, max_attempts, scheduled_at, args)
			VALUES ('relay', 'relay', 'scheduled', 9, $3::timestamptz,
				jsonb_build_object('event_id', $1::bigint, 'mode', $2::text))`,
			id, mode, at+"T00:00:00Z")
	}
}

// Due lets the reserved moment of an event be one that has passed.
func (d *Desk) Due(ids ...int64) {
	d.Helper()
	d.SQL(`UPDATE campaign_events SET reservation_at = $2 WHERE id = ANY ($1)`, ids, Past)
}

// List imports members and returns what the import said.
func (d *Desk) List(id int64, query string, members ...string) api.ImportResult {
	d.Helper()
	list := "member_id\n"
	for _, m := range members {
		list += m + "\n"
	}
	a := d.Post(EventURL(id)+"/targets"+query, list, "Content-Type: text/csv")
	require.Contains(d, []int{200, 201}, a.StatusCode, a.Text)
	return Decoded[api.ImportResult](a)
}

// Tag returns the ETag of an event.
func (d *Desk) Tag(id int64) string {
	d.Helper()
	tag := d.Get(EventURL(id)).Header.Get("ETag")
	require.NotEmpty(d, tag)
	return tag
}

// Patch changes the event as it is now.
func (d *Desk) Patch(id int64, body string, headers ...string) Answer {
	d.Helper()
	return d.Do("PATCH", EventURL(id), body, append([]string{"If-Match: " + d.Tag(id)}, headers...)...)
}

// Passed lets the expiry of an event be a moment that has passed, and returns it.
func (d *Desk) Passed(id int64) time.Time {
	d.Helper()
	d.SQL(`UPDATE campaign_events SET expiry_at = date_trunc('second', now()) - interval '1 second', created_at = now() - interval '1 hour' WHERE id = $1`, id)
	return *Decoded[api.Event](d.Get(EventURL(id))).ExpiryAt
}

// WaitingFor lists the codes of what an event says that it stands still for.
func (d *Desk) WaitingFor(id int64) (codes []string) {
	d.Helper()
	for _, r := range Decoded[api.Event](d.Get(EventURL(id))).WaitingFor {
		codes = append(codes, r.Code)
	}
	return codes
}

// Ask returns how a person asks for a move.
func (d *Desk) Ask(move string, e api.Event) Answer {
	d.Helper()
	u := EventURL(e.ID)
	switch move {
	case "start", "resume":
		return d.Post(u+"/"+move, "")
	case "stop":
		return d.Post(u+"/stop", `{"memo": "again"}`)
	case "retry":
		return d.Post(u+"/retry", `{}`)
	case "import":
		return d.Post(u+"/targets", "member_id\nlate\n", "Content-Type: text/csv")
	case "patch":
		return d.Patch(e.ID, `{"reservation_priority": 6}`)
	}
	return d.Do("DELETE", u, "")
}

// WarningCodes lists the codes of what an import warns of.
func WarningCodes(r api.ImportResult) (codes []string) {
	for _, w := range r.Warnings {
		codes = append(codes, w.Code)
	}
	return codes
}

// WaitsFor returns what a queued event waits for, "" for nothing.
func WaitsFor(q api.Queued) string {
	if q.WaitsFor == nil {
		return ""
	}
	return *q.WaitsFor
}

// IDs lists the events of a lane.
func IDs(l api.Lane) (all []int64) {
	for _, e := range l.Events {
		all = append(all, e.ID)
	}
	return all
}

// Reasons lists what the events of a lane wait for.
func Reasons(l api.Lane) (all []string) {
	for _, e := range l.Events {
		all = append(all, WaitsFor(e))
	}
	return all
}

// Locations are the fields that a problem names.
func Locations(p api.Problem) []string {
	var all []string
	for _, e := range p.Errors {
		all = append(all, e.Location)
	}
	return all
}

// Long returns a text of n characters.
func Long(n int) string { return strings.Repeat("x", n) }
