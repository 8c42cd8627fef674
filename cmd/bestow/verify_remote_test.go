package main

import (
	"context"
	"testing"
	"time"

	"bestow/app/verify"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/internal/keys"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// verifiedBy asks for a report on the event and returns it when no verification is under way any more.
func (w *world) verifiedBy(p *daemon.Process, id int64) (r verify.Report) {
	w.Helper()
	_, err := p.App.Reports.RequestReport(w.Context(), operator, id)
	require.NoError(w, err)
	return w.report(p, id)
}

func (w *world) report(p *daemon.Process, id int64) (r verify.Report) {
	w.Helper()
	require.Eventually(w, func() bool {
		kept, err := p.App.Reports.LastReport(w.Context(), id)
		return err == nil && kept.UnderWay == nil && json.Unmarshal(kept.Document, &r) == nil
	}, 2*time.Minute, 20*time.Millisecond, "a report on event %d", id)
	return r
}

// completedEvent is one that was granted, of n members.
func (w *world) completedEvent(kind string, n int) domain.Event {
	w.Helper()
	p, stop := w.start(w.Context(), daemon.Overrides{}, daemon.AllRoles...)
	defer stop()
	e := w.event(p, kind, n)
	w.run(p, e)
	return w.completed(p, e.ID)
}

// The service's report compares what the command line's does, vouchers' codes too, although only the role jobs makes
// it.
func TestTheServiceVerifies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.completedEvent("VOUCHER", 100)
	desk, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	_, err := desk.App.Reports.RequestReport(t.Context(), operator, e.ID)
	require.NoError(t, err)
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleJobs)
	r := w.report(desk, e.ID)
	require.True(t, r.OK, "%+v", r)
	require.Equal(t, operator.Actor, r.By)
	for _, inv := range r.Invariants {
		require.Empty(t, inv.NotCompared, inv.ID)
	}
	master, err := w.cfg.Master()
	require.NoError(t, err)
	local, err := verify.New(verify.Config{
		Pool: w.pool, Unsealer: daemon.NewUnsealer(master), Keys: keys.Store{Table: keys.Content, Master: master},
		Zone: w.cfg.TimeZone,
	})
	require.NoError(t, err)
	w.exec(`DELETE FROM verify_reports`) // there was none when the service verified
	want, err := local.Verify(t.Context(), verify.Query{Event: e.CampaignID, By: operator.Actor})
	require.NoError(t, err)
	want.CheckedAt, want.DurationMS = r.CheckedAt, r.DurationMS
	want.SHA256, err = want.Digest()
	require.NoError(t, err)
	require.Equal(t, want, r)

	w.exec(`UPDATE voucher_results SET voucher_code = 'FORGED' || id WHERE id = (SELECT min(id) FROM voucher_results)`)
	require.False(t, w.verifiedBy(desk, e.ID).OK)
}

// A verification whose process stops in the middle of it is made by the next one.
func TestVerifyIsStoppedInTheMiddle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.ShutdownTimeout = 100 * time.Millisecond
	e := w.completedEvent("POINT", 100)
	p, stop := w.start(t.Context(), daemon.Overrides{}, daemon.RoleJobs)
	release := w.holdResults()
	_, err := p.App.Reports.RequestReport(t.Context(), operator, e.ID)
	require.NoError(t, err)
	w.verifyWaitsForTheTable()
	stop()
	release()
	p, _ = w.start(t.Context(), daemon.Overrides{}, daemon.RoleJobs)
	require.True(t, w.report(p, e.ID).OK)
	require.Equal(t, 1, w.count(`SELECT count(*) FROM verify_reports`))
}

// A verification whose process was killed runs again when the process was not seen for a while, and not after the half
// hour that a verification may take. One whose process is alive is left alone.
func TestVerifyOfAKilledProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.completedEvent("POINT", 100)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleJobs)
	require.Eventually(t, func() bool { return w.count(`SELECT count(*) FROM processes`) == 1 }, time.Minute,
		20*time.Millisecond)
	w.exec(`INSERT INTO river.river_job (kind, args, metadata, queue, state, attempt, max_attempts, created_at, attempted_at, attempted_by)
		SELECT 'verify', jsonb_build_object('event_id', $1::bigint), '{"by": "test"}', 'jobs', 'running', 1, 100, now(), now() - interval '1 minute', ARRAY[by]
		FROM (VALUES ('gone'), ($2)) v (by)`, e.ID, p.River.ID())
	n, err := p.App.Reports.RescueVerifications(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Eventually(t, func() bool { return w.count(`SELECT count(*) FROM verify_reports WHERE ok`) == 1 },
		time.Minute, 20*time.Millisecond)
	require.Equal(t, 1,
		w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'verify' AND state = 'running' AND attempted_by = ARRAY[$1]`, p.River.ID()))
}

// One verification at a time in a process: the workers of the queue are the timetable's.
func TestVerificationsTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.ShutdownTimeout = 100 * time.Millisecond
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleJobs)
	release := w.holdResults()
	const events = 10 // more than the queue has workers
	for range events {
		_, err := p.App.Reports.RequestReport(t.Context(), operator, w.event(p, "POINT", 1).ID)
		require.NoError(t, err)
	}
	w.verifyWaitsForTheTable()
	before := w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'close_done' AND state = 'completed'`)
	require.Eventually(t, func() bool {
		return w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'close_done' AND state = 'completed'`) >
			before+1
	}, time.Minute, 50*time.Millisecond, "the timetable goes on")
	require.Equal(t, 1, w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'verify' AND state = 'running'`))
	release()
	require.Eventually(t, func() bool { return w.count(`SELECT count(*) FROM verify_reports`) == events },
		2*time.Minute, 50*time.Millisecond)
}

// holdResults lets no one read the results of points until release is called.
func (w *world) holdResults() (release func()) {
	w.Helper()
	tx, err := w.pool.Begin(w.Context())
	require.NoError(w, err)
	_, err = tx.Exec(w.Context(), `LOCK TABLE point_results IN ACCESS EXCLUSIVE MODE`)
	require.NoError(w, err)
	w.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(w.Context())) }) // or nothing would end a test that fails
	return func() { require.NoError(w, tx.Rollback(w.Context())) }
}

func (w *world) verifyWaitsForTheTable() {
	w.Helper()
	require.Eventually(w, func() bool {
		return w.count(`SELECT count(*) FROM pg_locks WHERE relation = 'point_results'::regclass AND NOT granted`) >
			0 &&
			w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'verify' AND state = 'running'`) > 0
	}, time.Minute, 20*time.Millisecond)
}

// verify --remote waits for the report that it asked for, and ends as the local one does.
func TestCommandLineVerifyRemote(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.done("event create --campaign-id a --event-type POINT --default-amount 5")
	reports, err := verify.New(verify.Config{Pool: s.pool})
	require.NoError(t, err)
	work := func(do func() error) <-chan error { // as a process with the role jobs does
		ended := make(chan error, 1)
		go func() {
			for {
				var asked int
				err := s.pool.QueryRow(s.Context(),
					`SELECT count(*) FROM river.river_job WHERE kind = 'verify' AND state = 'available'`).Scan(&asked)
				if err == nil && asked > 0 {
					err = do()
					if err == nil {
						_, err = s.pool.Exec(s.Context(),
							`UPDATE river.river_job SET state = 'completed', finalized_at = now() WHERE kind = 'verify'`)
					}
					ended <- err
					return
				}
				if err != nil {
					ended <- err
					return
				}
			}
		}()
		return ended
	}
	makeReport := func() error { return reports.MakeReport(s.Context(), 1, "admin") }

	ended := work(func() error { return nil })
	code, _, errs := s.run("verify --remote a")
	require.NoError(t, <-ended)
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "the service has made no report on event 1")

	ended = work(makeReport)
	out, _ := s.done("verify --remote a")
	require.NoError(t, <-ended)
	require.Contains(t, out, "invariants hold")

	ended = work(makeReport)
	out, errs = s.done("verify a") // without DATABASE_URL (P13)
	require.NoError(t, <-ended)
	require.Contains(t, out, "invariants hold")
	require.Contains(t, errs, "DATABASE_URL is not set: the service at BESTOW_URL makes the report")
	for line, hint := range map[string]string{
		"verify":            "name the event: `bestow verify EVENT`",
		"verify --repair a": "set DATABASE_URL to the database of the service",
	} {
		code, _, errs := s.run(line)
		require.Equal(t, terminal.ExitFailed, code, line)
		require.Contains(t, errs, hint, line)
	}

	ended = work(func() error { return nil })
	code, _, errs = s.run("verify --remote a")
	require.NoError(t, <-ended)
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "ended without a report")

	// A report that was being made when the question came may have read what was before: the next one is the answer.
	s.sql(`INSERT INTO river.river_job (kind, args, queue, state, attempt, max_attempts, attempted_at)
		VALUES ('verify', '{"event_id": 1}', 'jobs', 'running', 1, 100, now())`)
	require.NoError(t, makeReport(), "of what was before")
	s.sql(`UPDATE campaign_event_summary SET success_count = 3`)
	ended = work(makeReport)
	code, out, errs = s.run("verify --remote a -o json")
	require.NoError(t, <-ended)
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "do not all hold")
	var r verify.Report
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.False(t, r.OK)
	digest, err := r.Digest()
	require.NoError(t, err)
	require.Equal(t, r.SHA256, digest)

	for _, line := range []string{"verify --remote", "verify --remote --repair a", "verify --remote --ask-ledgers-for 2h a"} {
		code, _, _ := s.run(line)
		require.Equal(t, terminal.ExitUsage, code, line)
	}
	code, _, errs = s.run("verify --remote b")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "there is no event")
}
