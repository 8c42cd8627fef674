package app

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/logtest"

	"github.com/stretchr/testify/require"
)

// brake engages the brake of a scope.
func (s *lifeTest) brake(scope domain.BrakeScope) Braked {
	s.Helper()
	braked, err := s.app.Events.Brake(s.Context(), by(""), scope, "why")
	require.NoError(s, err)
	return braked
}

// release releases the brake of a scope.
func (s *lifeTest) release(scope domain.BrakeScope) {
	s.Helper()
	_, err := s.app.Events.ReleaseBrake(s.Context(), by(""), scope, "it was nothing")
	require.NoError(s, err)
}

// A brake that is engaged stays as it was when it is engaged again, and one that is not may be released.
func TestBrakeTwice(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	s.release(domain.BrakeAll)
	first := s.brake(domain.BrakeAll)
	second, err := s.app.Events.Brake(t.Context(), command.Caller{Actor: "another"}, domain.BrakeAll, "me too")
	require.NoError(t, err)
	require.Equal(t, first.Brake, second.Brake)
	s.release(domain.BrakeAll)
	s.release(domain.BrakeAll)
	brakes, err := s.app.Reports.Brakes(t.Context())
	require.NoError(t, err)
	require.Empty(t, brakes)
}

// A stop or a brake that is asked for again stands in the log and in the audit once: it has changed nothing.
func TestAnOrderAgainIsToldOnce(t *testing.T) {
	t.Parallel()
	var log logtest.Log
	s := setupLife(t, func(d *Deps) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	id := s.listed(domain.Running)
	kim := command.Caller{Actor: "kim"}
	for _, order := range []func() error{
		func() error { _, err := s.app.Events.Stop(t.Context(), kim, id, "why"); return err },
		func() error { _, err := s.app.Events.Brake(t.Context(), kim, domain.BrakeAll, "why"); return err },
	} {
		require.NoError(t, order())
		require.NoError(t, order())
	}
	require.Equal(t, 1, strings.Count(log.String(), "event is stopped"))
	require.Equal(t, 1, strings.Count(log.String(), "the brake is engaged"))
	require.EqualValues(t, 1, s.Int(`SELECT count(*) FROM audit_log WHERE action = 'event.stop'`))
	require.EqualValues(t, 1, s.Int(`SELECT count(*) FROM audit_log WHERE action = 'brake.engage'`))
}

// A claim of an event that does not run any more is awaited too: the answer says how many are open, and then that none
// is.
func TestBrakeWaitsForEveryClaim(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	s.listed(domain.Completed)
	s.Exec(`UPDATE grant_chunks SET claim_token = gen_random_uuid(), open_until = clock_timestamp() + interval '1 hour'`)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := s.app.Events.Brake(ctx, by(""), domain.BrakeAll, "while a redrive is asked for")
	require.Error(t, err, "it waits")
	s.Exec(`UPDATE grant_chunks SET open_until = clock_timestamp() + interval '500 milliseconds'`)
	require.Zero(t, s.brake(domain.BrakeAll).Draining())
	require.Zero(t, s.Int(`SELECT count(*) FROM grant_chunks WHERE open_until > clock_timestamp()`), "it did not wait")
}

// A stop waits for every open claim, also for one of a chunk that is settled: a redrive of it may still be granted.
func TestStopWaitsForARedrive(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	id := s.listed(domain.Running)
	s.Exec(`UPDATE grant_chunks SET settled_count = target_count, settled_at = now(), claim_token = gen_random_uuid(),
		open_until = clock_timestamp() + interval '500 milliseconds'`)
	stopped, err := s.app.Events.Stop(t.Context(), by(""), id, "while a redrive is asked for")
	require.NoError(t, err)
	require.Zero(t, stopped.Draining)
	require.Zero(t, s.Int(`SELECT count(*) FROM grant_chunks WHERE open_until > clock_timestamp()`), "it did not wait")
}

// The answer of a stop counts what the claims granted that it waited for.
func TestAStopCountsAfterItsWait(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	id := s.listed(domain.Running)
	s.Exec(`UPDATE grant_chunks SET claim_token = gen_random_uuid(), open_until = clock_timestamp() + interval '1 hour'`)
	var stopped Stopped
	var err error
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		stopped, err = s.app.Events.Stop(t.Context(), by(""), id, "why")
	}()
	require.Eventually(t, func() bool { return s.status(id) == domain.Stopped }, 10*time.Second, 10*time.Millisecond)
	s.Exec(`UPDATE campaign_event_summary SET success_count = 2 WHERE event_id = $1`, id)
	s.Exec(`UPDATE grant_chunks SET claim_token = NULL, open_until = NULL`)
	<-answered
	require.NoError(t, err)
	require.Zero(t, stopped.Draining)
	require.Equal(t, 2, stopped.Event.Summary.Success)
}

// A stop whose claims stay open says how many: a grant of them may still be applied.
func TestAStopTellsOfOpenClaims(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	s.app.Events.drainWait = 300 * time.Millisecond
	id := s.listed(domain.Running)
	s.Exec(`UPDATE grant_chunks SET claim_token = gen_random_uuid(), open_until = clock_timestamp() + interval '1 hour'`)
	stopped, err := s.app.Events.Stop(t.Context(), by(""), id, "why")
	require.NoError(t, err)
	require.Positive(t, stopped.Draining)
	require.EqualValues(t, s.Int(`SELECT count(*) FROM grant_chunks`), stopped.Draining)
	require.Equal(t, domain.Stopped, s.status(id))
}

// A brake whose process died after its row's COMMIT: the timetable stops what runs in its scope, and nothing else.
func TestStopBraked(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	points, vouchers := s.listed(domain.Running), s.listed(domain.Running)
	s.Exec(`UPDATE campaign_events SET event_type = 'VOUCHER' WHERE id = $1`, vouchers)
	s.Exec(`INSERT INTO brakes (scope, by, memo) VALUES ('type:POINT', 'test', 'the row alone')`)
	s.mustDo(s.app.Events.StopBraked(t.Context()))
	require.Equal(t, domain.Stopped, s.status(points))
	require.Equal(t, domain.Running, s.status(vouchers))
	require.Equal(t, "the row alone", s.Text(`SELECT stopped_memo FROM campaign_event_summary WHERE event_id = $1`, points))
}
