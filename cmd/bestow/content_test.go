package main

import (
	"strings"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/imports"
	"bestow/app/patch"
	"bestow/app/processes"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/seal"
	"bestow/outbox"

	"github.com/stretchr/testify/require"
)

// changed is the refusal of what is not what was imported.
var changed = &domain.Error{Code: domain.ContentChanged}

// contentWorld is an event of two chunks of one partition, 100 members and 20, and a process that handles only what the
// test hands to it.
type contentWorld struct {
	*world
	p *daemon.Process
	e domain.Event
}

func newContentWorld(t *testing.T) *contentWorld {
	t.Helper()
	w := &contentWorld{world: newWorld(t)}
	w.begin(t)
	return w
}

func (w *contentWorld) begin(t *testing.T) {
	t.Helper()
	w.p, _ = w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	w.e = w.eventIn(w.p, "POINT", 120, new(1))
}

func (w *contentWorld) handle(m outbox.Message) error {
	w.Helper()
	return w.p.App.Grants.Handle(w.Context(), m)
}

// failed asserts that the event is FAILED for the reason, and that so many were granted.
func (w *contentWorld) failed(code domain.Code, granted int) {
	w.Helper()
	e, err := w.p.App.Events.Get(w.Context(), w.e.ID)
	require.NoError(w, err)
	require.Equal(w, domain.Failed, e.Status)
	require.Equal(w, code, e.FailureCode)
	require.NotEmpty(w, e.Summary.StoppedMemo)
	require.Equal(w, granted, w.count(`SELECT count(*) FROM money.point_member`))
	require.Equal(w, granted, w.count(`SELECT count(*) FROM point_results`))
}

// goesOn resumes the event in a whole process, which completes it exactly.
func (w *contentWorld) goesOn() {
	w.Helper()
	_, _, err := w.p.App.Events.Resume(w.Context(), operator, w.e.ID)
	require.NoError(w, err)
	p, _ := w.start(w.Context(), daemon.Overrides{}, daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs)
	w.completed(p, w.e.ID)
	require.Equal(w, 120, w.count(`SELECT count(*) FROM money.point_member`))
}

// tampering is a change of the rows of the second chunk, and what puts them back.
type tampering struct{ name, change, back string }

// member is one of the second chunk: m0000118.
func tamperings() []tampering {
	const target = ` WHERE member_id = 'm0000118'`
	const chunk = ` WHERE target_count = 20`
	return []tampering{
		{"amount", `UPDATE point_targets SET amount = amount * 10` + target, `UPDATE point_targets SET amount = amount / 10` + target},
		{"reason", `UPDATE point_targets SET reason = 'other'` + target, `UPDATE point_targets SET reason = NULL` + target},
		{"no reason, but an empty one", `UPDATE point_targets SET reason = ''` + target, `UPDATE point_targets SET reason = NULL` + target},
		{"member", `UPDATE point_targets SET member_id = 'm0000118x'` + target, `UPDATE point_targets SET member_id = 'm0000118' WHERE member_id = 'm0000118x'`},
		{
			"two members swapped",
			`UPDATE point_targets SET amount = CASE member_id WHEN 'm0000118' THEN 500 ELSE 700 END WHERE member_id IN ('m0000118', 'm0000116')`,
			`UPDATE point_targets SET amount = CASE member_id WHEN 'm0000118' THEN 700 ELSE 500 END WHERE member_id IN ('m0000118', 'm0000116')`,
		},
		{"one gone", `CREATE TABLE gone AS SELECT * FROM point_targets` + target + `; DELETE FROM point_targets` + target, `INSERT INTO point_targets SELECT * FROM gone`},
		{
			"amount, and the hash with it",
			`CREATE TABLE gone AS SELECT * FROM grant_chunks; UPDATE point_targets SET amount = amount * 10` + target +
				`; UPDATE grant_chunks SET content_hash = sha256('forged')` + chunk,
			`UPDATE point_targets SET amount = amount / 10` + target +
				`; UPDATE grant_chunks c SET content_hash = g.content_hash FROM gone g WHERE g.first_id = c.first_id`,
		},
		{
			"amount, and the hash taken away",
			`CREATE TABLE gone AS SELECT * FROM grant_chunks; UPDATE point_targets SET amount = amount * 10` + target +
				`; UPDATE grant_chunks SET content_hash = NULL`,
			`UPDATE point_targets SET amount = amount / 10` + target +
				`; UPDATE grant_chunks c SET content_hash = g.content_hash FROM gone g WHERE g.first_id = c.first_id`,
		},
		{
			"the hash of another chunk",
			`CREATE TABLE gone AS SELECT * FROM grant_chunks; UPDATE grant_chunks SET content_hash = (SELECT content_hash FROM gone WHERE target_count = 100)` + chunk,
			`UPDATE grant_chunks c SET content_hash = g.content_hash FROM gone g WHERE g.first_id = c.first_id`,
		},
	}
}

// C24, F48: rows that are not what was imported any more, whether the relay has published them before or after: the
// event is FAILED before one grant of their chunk. Put back and resumed, it completes.
func TestContentChangedInMidRun(t *testing.T) {
	t.Parallel()
	for _, c := range tamperings() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newContentWorld(t)
			w.run(w.p, w.e)
			before := w.messages(w.e)
			require.NoError(t, w.handle(before[0]))
			w.exec(c.change)
			for _, m := range []outbox.Message{before[1], w.messages(w.e)[1]} {
				w.exec(`UPDATE campaign_events SET event_status = 'RUNNING', failure_code = NULL`)
				require.ErrorIs(t, w.handle(m), changed)
				w.failed(domain.ContentChanged, 100)
				require.NoError(t, w.handle(m), "the event is at rest")
			}
			require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
			w.exec(c.back)
			w.goesOn()
		})
	}
}

// The same before the start, which sees that a hash is gone or another; the targets themselves are hashed when they are
// granted.
func TestContentChangedBeforeTheStart(t *testing.T) {
	t.Parallel()
	for _, c := range tamperings() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newContentWorld(t)
			w.exec(c.change)
			if _, _, err := w.p.App.Events.Start(t.Context(), operator, w.e.ID); err != nil {
				require.ErrorIs(t, err, changed)
				require.Contains(t, c.name, "hash")
				return
			}
			require.ErrorIs(t, w.handle(w.messages(w.e)[1]), changed)
			w.failed(domain.ContentChanged, 0)
		})
	}
}

// A chunk or a whole import that is taken away everywhere before the start: nothing starts but what was sealed.
func TestStartOfAnotherList(t *testing.T) {
	t.Parallel()
	w := newContentWorld(t)
	_, err := w.p.App.Targets.Import(t.Context(), operator, w.e.ID,
		imports.Upload{Body: strings.NewReader("member_id\nx1\nx2\n"), ContentType: "text/csv"})
	require.NoError(t, err)
	w.verified(w.p)
	w.exec(`CREATE TABLE kept_chunks AS SELECT * FROM grant_chunks; CREATE TABLE kept_imports AS SELECT * FROM imports`)
	const back = `; DELETE FROM grant_chunks; DELETE FROM imports; INSERT INTO imports SELECT * FROM kept_imports; INSERT INTO grant_chunks SELECT * FROM kept_chunks`
	const total = `; UPDATE campaign_events SET total_count = (SELECT sum(target_count) FROM grant_chunks)`
	for _, c := range []struct{ change, said string }{
		{`DELETE FROM grant_chunks WHERE target_count = 20`, "since import 1"},
		{`DELETE FROM grant_chunks WHERE target_count = 2; DELETE FROM imports WHERE accepted = 2`, "an import was added, taken away"},
		{`UPDATE imports SET digest = sha256('x') WHERE accepted = 2`, "since import 2"},
		{`UPDATE imports SET seal = NULL`, "an import was added, taken away"},
	} {
		w.exec(c.change + total)
		_, _, err := w.p.App.Events.Start(t.Context(), operator, w.e.ID)
		require.ErrorIs(t, err, changed, c.change)
		require.ErrorContains(t, err, c.said, c.change)
		w.exec(`SELECT 1` + back + total)
	}
	w.verified(w.p)
	w.run(w.p, w.e)
}

// A message whose reason is not the list's, whatever wrote it.
func TestMessageWithAnotherReason(t *testing.T) {
	t.Parallel()
	w := newContentWorld(t)
	w.run(w.p, w.e)
	m := w.message(w.e)
	m.Grants[3].Reason = "other"
	require.ErrorIs(t, w.handle(m), changed)
	w.failed(domain.ContentChanged, 0)
	w.goesOn()
}

// The default reason is read when it is used: changed before the start, it is what members without a reason get.
func TestDefaultReasonChangedBeforeTheStart(t *testing.T) {
	t.Parallel()
	w := newContentWorld(t)
	change := app.EventPatch{DefaultReason: patch.SetTo("fall")}
	_, err := w.p.App.Events.Edit(t.Context(), operator, w.e.ID, change, func(domain.Event) error { return nil })
	require.NoError(t, err)
	w.run(w.p, w.e)
	require.NoError(t, w.handle(w.message(w.e)))
	require.Equal(t, 100, w.count(`SELECT count(*) FROM money.point_member WHERE reason = 'fall'`))
}

// F47, F48: what was started is what is resumed, field by field and chunk by chunk.
func TestResumeOfAnotherContent(t *testing.T) {
	t.Parallel()
	w := newContentWorld(t)
	w.run(w.p, w.e)
	require.NoError(t, w.handle(w.message(w.e)))
	_, err := w.p.App.Events.Stop(t.Context(), operator, w.e.ID, "look")
	require.NoError(t, err)
	w.exec(`CREATE TABLE kept AS SELECT * FROM grant_chunks`)
	w.exec(`INSERT INTO processes (id, roles, version, host, pid, reports, seen_at)
		VALUES (gen_random_uuid(), '{handler}', 'v', 'h', 1, '[{"code": "", "granters": ["money", "other"]}]', now() + interval '1 hour')`) // else no handler has the granter below
	for _, c := range []struct{ said, change, back string }{
		{"campaign_id", `UPDATE campaign_events SET campaign_id = campaign_id || 'x'`, `UPDATE campaign_events SET campaign_id = rtrim(campaign_id, 'x')`},
		{"default_amount", `UPDATE campaign_events SET default_amount = 5000`, `UPDATE campaign_events SET default_amount = 500`},
		{"default_reason", `UPDATE campaign_events SET default_reason = 'other'`, `UPDATE campaign_events SET default_reason = 'spring'`},
		{"expiry_at", `UPDATE campaign_events SET expiry_at = now() + interval '1 year'`, `UPDATE campaign_events SET expiry_at = NULL`},
		{"partition_count", `UPDATE campaign_events SET partition_count = 2`, `UPDATE campaign_events SET partition_count = 1`},
		{"reservation_at", `UPDATE campaign_events SET reservation_at = '2027-01-01'`, `UPDATE campaign_events SET reservation_at = NULL`},
		{"reservation_priority", `UPDATE campaign_events SET reservation_priority = 1`, `UPDATE campaign_events SET reservation_priority = NULL`},
		{"granter", `UPDATE event_types SET granter = 'other' WHERE code = 'POINT'`, `UPDATE event_types SET granter = 'money' WHERE code = 'POINT'`},
		{"operation", `UPDATE event_types SET operation = 'vouchers' WHERE code = 'POINT'`, `UPDATE event_types SET operation = 'points' WHERE code = 'POINT'`},
		{"the event 121", `UPDATE campaign_events SET total_count = 121`, `UPDATE campaign_events SET total_count = 120`},
		{"the chunks have 119", `UPDATE grant_chunks SET target_count = 19 WHERE target_count = 20`, `UPDATE grant_chunks SET target_count = 20 WHERE target_count = 19`},
		{"chunks were added", `UPDATE grant_chunks SET last_id = last_id + 1 WHERE target_count = 20`, `UPDATE grant_chunks SET last_id = last_id - 1 WHERE target_count = 20`},
		{
			"chunks were added", `UPDATE grant_chunks SET content_hash = sha256('forged') WHERE target_count = 20`,
			`UPDATE grant_chunks c SET content_hash = k.content_hash FROM kept k WHERE k.first_id = c.first_id`,
		},
		{
			"key of its hash is gone", `UPDATE imports SET hashed = false; UPDATE grant_chunks SET content_hash = NULL; CREATE TABLE keys AS SELECT * FROM event_keys; DELETE FROM event_keys`,
			`UPDATE imports SET hashed = true; UPDATE grant_chunks c SET content_hash = k.content_hash FROM kept k WHERE k.first_id = c.first_id; INSERT INTO event_keys SELECT * FROM keys`,
		},
		{"key of its hash is gone", `DELETE FROM event_keys`, `INSERT INTO event_keys SELECT * FROM keys`},
		{"cannot be read", `CREATE TABLE was AS SELECT * FROM starts; UPDATE starts SET definition = '{}'`, `UPDATE starts SET definition = (SELECT definition FROM was)`},
		{"version 3", `UPDATE starts SET definition = replace(definition, '"v":2', '"v":3')`, `UPDATE starts SET definition = (SELECT definition FROM was)`},
	} {
		w.exec(c.change)
		_, _, err := w.p.App.Events.Resume(t.Context(), operator, w.e.ID)
		require.ErrorIs(t, err, changed, c.change)
		require.ErrorContains(t, err, c.said)
		w.exec(c.back)
	}
	w.goesOn()
}

// What the start saw is kept once: an event whose status was set back does not start again.
func TestStartedTwice(t *testing.T) {
	t.Parallel()
	w := newContentWorld(t)
	w.run(w.p, w.e)
	require.Equal(t, 1, w.count(`SELECT count(*) FROM starts WHERE by = 'test' AND octet_length(root) = 32`))
	w.exec(`UPDATE campaign_events SET event_status = 'PENDING'`)
	_, _, err := w.p.App.Events.Start(t.Context(), operator, w.e.ID)
	require.ErrorIs(t, err, changed)
}

// A list that was imported before there were hashes starts and is granted as ever.
func TestListOfBefore(t *testing.T) {
	t.Parallel()
	w := newContentWorld(t)
	w.exec(`UPDATE grant_chunks SET content_hash = NULL; UPDATE imports SET hashed = false, seal = NULL; DELETE FROM event_keys`)
	w.run(w.p, w.e)
	for _, m := range w.messages(w.e) {
		require.NoError(t, w.handle(m))
	}
	require.Equal(t, 120, w.count(`SELECT count(*) FROM money.point_member`))
}

// A key that was kept as it is, since there was no master key, is used when there is one.
func TestKeyOfBeforeTheMasterKey(t *testing.T) {
	t.Parallel()
	w := &contentWorld{world: newWorld(t)}
	master := w.cfg.MasterKey
	w.cfg.MasterKey = ""
	w.begin(t)
	require.Equal(t, 33, w.count(`SELECT octet_length(wrapped) FROM event_keys`))
	w.cfg.MasterKey = master
	w.p, _ = w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	w.run(w.p, w.e)
	require.NoError(t, w.handle(w.messages(w.e)[1]))
	w.exec(`UPDATE point_targets SET amount = amount * 10 WHERE member_id = 'm0000001'`)
	require.ErrorIs(t, w.handle(w.messages(w.e)[0]), changed)
	w.failed(domain.ContentChanged, 20)
}

// Without the master key of the import nobody can tell whether the list is what was imported, so it is not granted.
func TestKeyWithoutItsMasterKey(t *testing.T) {
	t.Parallel()
	missing := &domain.Error{Code: domain.MissingKeys}
	w := newContentWorld(t)
	w.run(w.p, w.e)
	master := w.cfg.MasterKey
	w.cfg.MasterKey = seal.GenerateMaster()
	_, err := daemon.New(t.Context(), w.cfg, []string{daemon.RoleAPI}, w.log, daemon.Overrides{})
	require.ErrorIs(t, err, &domain.Error{Code: processes.SettingsDiffer}, "a process with the right one runs")
	other, err := seal.NewMaster(w.cfg.MasterKey)
	require.NoError(t, err)
	require.ErrorContains(t, daemon.CheckMaster(t.Context(), w.pool, other, w.p.Money), "another key than the one")

	w.cfg.MasterKey = ""
	keyless, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	require.ErrorIs(t, keyless.App.Grants.Handle(t.Context(), w.message(w.e)), missing)
	w.failed(domain.MissingKeys, 0)
	_, _, err = keyless.App.Events.Resume(t.Context(), operator, w.e.ID)
	require.ErrorIs(t, err, missing)
	second := w.event(w.p, "POINT", 20)
	_, _, err = keyless.App.Events.Start(t.Context(), operator, second.ID)
	require.ErrorIs(t, err, missing)
	w.cfg.MasterKey = master
	w.goesOn()
}

// In production a key that lies in the same database proves nothing: none is made, and none is used.
func TestBareKeyInProduction(t *testing.T) {
	t.Parallel()
	missing := &domain.Error{Code: domain.MissingKeys}
	w := &contentWorld{world: newWorld(t)}
	w.cfg.MasterKey = ""
	w.begin(t)
	production := w.process(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	t.Cleanup(production.Close)
	var err error
	production.App, err = app.New(app.Deps{
		Pool: w.pool, River: production.River, Granter: production.Granter,
		Log: w.log, WrappedKeysOnly: true,
	})
	require.NoError(t, err)
	_, _, err = production.App.Events.Start(t.Context(), operator, w.e.ID)
	require.ErrorIs(t, err, missing)
	amount := int64(1)
	e, err := production.App.Events.Create(t.Context(), operator,
		app.NewEvent{CampaignID: "new", EventType: "POINT", DefaultAmount: &amount})
	require.NoError(t, err)
	_, err = production.App.Targets.Import(t.Context(), operator, e.Value.ID,
		imports.Upload{Body: strings.NewReader("member_id\nm1\n"), ContentType: "text/csv"})
	require.ErrorIs(t, err, missing)
	w.run(w.p, w.e)
	require.ErrorIs(t, production.App.Grants.Handle(t.Context(), w.message(w.e)), missing)
	w.failed(domain.MissingKeys, 0)
}

// A completed event cannot become FAILED: what a person asks for again of a chunk that was changed stays given up, and
// is granted when the row was put back.
func TestRedriveOfAnotherContent(t *testing.T) {
	t.Parallel()
	r := newRedriven(t, 'x')
	p, _ := r.start(t.Context(), r.with, daemon.AllRoles...)
	e := r.eventIn(p, "POINT", 200, new(1))
	r.run(p, e)
	r.completed(p, e.ID)
	r.mended.Store(true)
	r.exec(`UPDATE point_targets SET amount = amount * 10 WHERE member_id = 'm0000003'`)
	_, err := p.App.Events.Retry(t.Context(), operator, e.ID, "", false)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return r.count(`SELECT count(*) FROM point_results WHERE redrive_done < redrive`) == 0
	}, time.Minute, 20*time.Millisecond)
	require.Equal(t, 10,
		r.count(`SELECT count(*) FROM point_results WHERE status = 'PERMANENTLY_FAILED' AND error_code = 'content_changed'`), "the chunk's")
	require.Equal(t, 190, r.count(`SELECT count(*) FROM money.point_member`))
	require.Zero(t, r.count(`SELECT count(*) FROM money.point_member WHERE member_id = 'm0000003'`))

	r.exec(`UPDATE point_targets SET amount = amount / 10 WHERE member_id = 'm0000003'`)
	again, err := p.App.Events.Retry(t.Context(), operator, e.ID, domain.ContentChanged, false)
	require.NoError(t, err)
	require.Equal(t, 10, again.Value.Accepted)
	require.Eventually(t, func() bool { return r.count(`SELECT success_count FROM campaign_event_summary`) == 200 },
		time.Minute, 20*time.Millisecond)
	r.verified(p)
}
