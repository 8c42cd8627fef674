package app

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/app/patch"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// list is a member list of three.
const list = "member_id,amount\nM1,1\nM2,2\nM3,3\n"

// listed makes an event with a list of three members, in a status.
func (s *lifeTest) listed(status domain.Status) int64 {
	s.Helper()
	id := s.Event()
	s.mustImport(id, list)
	if status == domain.Pending {
		return id
	}
	s.mustDo(s.start(id))
	switch status {
	case domain.Stopped, domain.Failed:
		s.mustDo(s.stop(id))
		if status == domain.Failed {
			s.Exec(`UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'mismatch' WHERE id = $1`, id)
		}
	case domain.Completed:
		s.settle(id)
		s.mustDo(s.app.Events.CloseDone(s.Context()))
	case domain.Pending, domain.Running:
	}
	require.Equal(s, status, s.status(id))
	return id
}

func (s *lifeTest) mustDo(err error) {
	s.Helper()
	require.NoError(s, err)
}

// by is a person, who asks once under a key, "" for none.
func by(key string) command.Caller {
	c := command.Caller{Actor: "test"}
	if key != "" {
		c.Once = &command.Once{Key: key, Fingerprint: []byte(key)}
	}
	return c
}

func (s *lifeTest) start(id int64) error {
	_, _, err := s.app.Events.Start(s.Context(), by(""), id)
	return err
}

func (s *lifeTest) stop(id int64) error {
	_, err := s.app.Events.Stop(s.Context(), by(""), id, "why")
	return err
}

func (s *lifeTest) resume(id int64) error {
	_, _, err := s.app.Events.Resume(s.Context(), by(""), id)
	return err
}

func (s *lifeTest) retry(id int64) error {
	_, err := s.app.Events.Retry(s.Context(), by(""), id, "", false)
	return err
}

func (s *lifeTest) extend(id int64) error {
	later := time.Now().AddDate(1, 0, 0).Truncate(time.Second)
	return s.edit(id, EventPatch{ExpiryAt: patch.SetTo(&later)})
}

func (s *lifeTest) remove(id int64) error {
	_, err := s.app.Events.Delete(s.Context(), by(""), id, func(domain.Event) error { return nil })
	return err
}

// reserved makes an event whose time has come, and was set after its list.
func (s *lifeTest) reserved(priority int) int64 {
	s.Helper()
	id := s.listed(domain.Pending)
	s.Exec(`UPDATE campaign_events SET reservation_at = '2026-01-01 00:00:00Z', reservation_priority = $2 WHERE id = $1`,
		id, priority)
	return id
}

// settle counts all members of an event as granted, as the relay and the handlers do.
func (s *lifeTest) settle(id int64) {
	s.Helper()
	s.Exec(`UPDATE campaign_event_summary SET published_count = total_count, success_count = total_count
		FROM campaign_events e WHERE e.id = event_id AND event_id = $1`, id)
}

func (s *lifeTest) status(id int64) domain.Status {
	s.Helper()
	return domain.Status(s.Text(`SELECT event_status FROM campaign_events WHERE id = $1`, id))
}

// jobs returns the states of an event's relay jobs.
func (s *lifeTest) jobs(id int64) string {
	s.Helper()
	return s.Text(`SELECT coalesce(string_agg(DISTINCT state::text, ' '), 'none') FROM river.river_job
		WHERE kind = 'relay' AND args @> jsonb_build_object('event_id', $1::bigint)`, id)
}

// codeOf returns the code of a refusal, "" for none.
func codeOf(t *testing.T, err error) domain.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	refused, ok := errors.AsType[*domain.Error](err)
	require.True(t, ok, "%v", err)
	return refused.Code
}

// What a person may ask for in each status, and where it leads. "gone" is no status: the event is deleted.
func TestMovesOfEachStatus(t *testing.T) {
	t.Parallel()
	const refused = domain.WrongStatus
	moves := []struct {
		name string
		ask  func(*lifeTest, int64) error
	}{
		{"start", (*lifeTest).start},
		{"stop", (*lifeTest).stop},
		{"resume", (*lifeTest).resume},
		{"retry", (*lifeTest).retry},
		{"edit", (*lifeTest).extend},
		{"delete", (*lifeTest).remove},
	}
	for status, want := range map[domain.Status][]string{
		//                 start      stop       resume     retry        edit       delete
		domain.Pending:   {"RUNNING", refused, refused, refused, "PENDING", "gone"},
		domain.Running:   {"RUNNING", "STOPPED", refused, "RUNNING", refused, refused},
		domain.Stopped:   {refused, "STOPPED", "RUNNING", refused, refused, refused},
		domain.Failed:    {refused, refused, "RUNNING", refused, refused, refused},
		domain.Completed: {refused, refused, refused, "COMPLETED", refused, refused},
	} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			s := setupLife(t)
			for i, move := range moves {
				id := s.listed(status)
				code := codeOf(t, move.ask(s, id))
				if want[i] == refused {
					require.Equal(t, domain.WrongStatus, code, move.name)
					require.Equal(t, status, s.status(id), move.name)
					continue
				}
				require.Empty(t, code, move.name)
				if want[i] == "gone" {
					_, err := s.app.Events.Get(t.Context(), id)
					require.Equal(t, domain.NotFound, codeOf(t, err))
					continue
				}
				require.Equal(t, domain.Status(want[i]), s.status(id), move.name)
			}
		})
	}
}

// A start makes an event's jobs available, a stop takes those that wait back, and a resume makes a job for every chunk
// that is not settled.
func TestJobsFollowTheMoves(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	id := s.listed(domain.Pending)
	require.Equal(t, "pending", s.jobs(id))
	s.mustDo(s.start(id))
	require.Equal(t, "available", s.jobs(id))
	s.mustDo(s.stop(id))
	require.Equal(t, "pending", s.jobs(id))
	s.Exec(`DELETE FROM river.river_job`) // a relay that had the job came to its end
	s.mustDo(s.resume(id))
	require.Equal(t, "available", s.jobs(id))
	s.mustDo(s.stop(id))
	s.Exec(`DELETE FROM river.river_job`)
	s.Exec(`UPDATE grant_chunks SET settled_count = target_count, settled_at = now() WHERE event_id = $1`, id)
	s.mustDo(s.resume(id))
	require.Equal(t, "none", s.jobs(id), "nothing is left to publish")
}

// Events of one second are a lane: they run one after another, the lower priority first. Whatever ends a turn lets the
// next one begin, and who was stopped waits for a free lane.
func TestLaneOfASecond(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	third, first, second := s.reserved(30), s.reserved(10), s.reserved(20)
	statuses := func() string {
		return strings.Join([]string{string(s.status(first)), string(s.status(second)), string(s.status(third))}, " ")
	}
	events := s.app.Events
	for range 2 {
		s.mustDo(events.StartDue(t.Context()))
		require.Equal(t, "RUNNING PENDING PENDING", statuses())
	}
	require.Equal(t, domain.LaneBusy, codeOf(t, s.start(second)))
	s.settle(first)
	s.mustDo(events.CloseDone(t.Context()))
	require.Equal(t, "COMPLETED RUNNING PENDING", statuses())
	s.mustDo(s.stop(second))
	require.Equal(t, "COMPLETED STOPPED RUNNING", statuses())
	require.Equal(t, domain.LaneBusy, codeOf(t, s.resume(second)))
	s.settle(third)
	s.mustDo(events.CloseDone(t.Context()))
	s.mustDo(s.resume(second))
	require.Equal(t, "COMPLETED RUNNING COMPLETED", statuses())
}

// An event is closed when every member is published and final, and not before.
func TestCloseOfWhatIsDone(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	for counters, want := range map[string]domain.Status{
		"published_count = 3, success_count = 2, fail_count = 1": domain.Completed,
		"published_count = 3, success_count = 2, fail_count = 0": domain.Running,
		"published_count = 2, success_count = 3, fail_count = 0": domain.Running,
	} {
		id := s.listed(domain.Running)
		s.Exec(`UPDATE campaign_event_summary SET `+counters+` WHERE event_id = $1`, id)
		s.mustDo(s.app.Events.Close(t.Context(), id))
		s.mustDo(s.app.Events.CloseDone(t.Context()))
		require.Equal(t, want, s.status(id), counters)
	}
}

// A brake stops what runs in its scope and lets nothing start, resume or be retried there. Its release starts what is
// due and resumes nothing.
func TestBrakeHoldsItsScope(t *testing.T) {
	t.Parallel()
	for scope, holds := range map[domain.BrakeScope]bool{domain.BrakeAll: true, "type:POINT": true, "type:VOUCHER": false} {
		t.Run(string(scope), func(t *testing.T) {
			t.Parallel()
			s := setupLife(t)
			events := s.app.Events
			running, stopped, pending := s.listed(domain.Running), s.listed(domain.Stopped), s.listed(domain.Pending)
			completed := s.listed(domain.Completed)
			due := s.reserved(1) // last: what ends a turn starts what is due
			braked, err := events.Brake(t.Context(), by(""), scope, "a wrong list")
			require.NoError(t, err)
			require.Zero(t, braked.Draining())
			s.mustDo(events.StartDue(t.Context()))
			if !holds {
				require.Equal(t, domain.Running, s.status(running))
				require.Equal(t, domain.Running, s.status(due))
				s.mustDo(s.start(pending))
				return
			}
			require.Equal(t, domain.Stopped, s.status(running))
			require.Equal(t, domain.Pending, s.status(due))
			for name, err := range map[string]error{
				"start": s.start(pending), "resume": s.resume(stopped), "retry": s.retry(completed),
			} {
				require.Equal(t, domain.BrakeEngaged, codeOf(t, err), name)
			}
			left, err := events.ReleaseBrake(t.Context(), by(""), scope, "the list is right")
			require.NoError(t, err)
			require.Empty(t, left.Value)
			require.Equal(t, domain.Running, s.status(due), "what is due starts")
			require.Equal(t, domain.Stopped, s.status(running), "nothing is resumed")
			s.mustDo(s.resume(running))
		})
	}
}

// A key that started an event does not undo a stop that came after it, and one that stopped it stops it again.
func TestRepeatedKeysOfMoves(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	events := s.app.Events
	id := s.listed(domain.Pending)
	_, moved, err := events.Start(t.Context(), by("start"), id)
	require.NoError(t, err)
	require.True(t, moved)
	_, moved, err = events.Start(t.Context(), by("start"), id)
	require.NoError(t, err)
	require.True(t, moved, "the answer of the first one")
	_, moved, err = events.Start(t.Context(), by("another"), id)
	require.NoError(t, err)
	require.False(t, moved)
	_, err = events.Stop(t.Context(), by("stop"), id, "why")
	require.NoError(t, err)
	_, _, err = events.Start(t.Context(), by("start"), id)
	require.Equal(t, domain.WrongStatus, codeOf(t, err))
	require.Equal(t, domain.Stopped, s.status(id))
	s.mustDo(s.resume(id))
	_, err = events.Stop(t.Context(), by("stop"), id, "why")
	require.NoError(t, err)
	require.Equal(t, domain.Stopped, s.status(id))
}

// A retry by a person takes what was given up with its code once, and not again while that is not answered.
func TestRetryTakesWhatWasGivenUp(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	id := s.listed(domain.Running)
	s.Exec(`INSERT INTO point_results (event_id, member_id, amount, status, error_code, error_message)
		VALUES ($1, 'M1', 1, 'PERMANENTLY_FAILED', 'account_closed', 'x'), ($1, 'M2', 2, 'PERMANENTLY_FAILED', 'no_such_member', 'x'),
		       ($1, 'M3', 3, 'SUCCESS', NULL, NULL)`, id)
	retry := func(code domain.Code, dryRun bool) Redriven {
		r, err := s.app.Events.Retry(t.Context(), by(""), id, code, dryRun)
		require.NoError(t, err)
		return r.Value
	}
	redriven := func() string {
		return s.Text(`SELECT string_agg(member_id, ' ' ORDER BY member_id) FROM point_results WHERE redrive > redrive_done`)
	}
	s.Exec(`DELETE FROM river.river_job`) // all of it was published
	require.Equal(t, Redriven{Matched: 2}, retry("", true))
	require.Equal(t, "none", s.jobs(id))
	require.Equal(t, Redriven{Matched: 1, Accepted: 1}, retry("account_closed", false))
	require.Equal(t, "M1", redriven())
	require.Equal(t, "available", s.jobs(id))
	require.Equal(t, Redriven{Matched: 1, Accepted: 1}, retry("", false), "M1 is not answered yet")
	require.Equal(t, "M1 M2", redriven())
	require.Equal(t, Redriven{}, retry("", false))
	s.Exec(`UPDATE point_results SET redrive_done = redrive`)
	s.Exec(`UPDATE campaign_events SET expiry_at = now() - interval '1 s' WHERE id = $1`, id)
	require.Equal(t, Redriven{Expired: 2}, retry("", false), "the ledger would refuse them again")
}

// A deletion leaves nothing of an event but the record that it was there.
func TestDeletionLeavesARecord(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	id, other := s.listed(domain.Pending), s.listed(domain.Pending)
	s.mustDo(s.remove(id))
	for _, table := range []string{"point_targets", "grant_chunks", "imports", "campaign_event_summary", "event_keys"} {
		query := `SELECT count(*) FROM ` + table + ` WHERE event_id = $1`
		require.Zero(t, s.Int(query, id), table)
		require.NotZero(t, s.Int(query, other), table)
	}
	require.Equal(t, "none", s.jobs(id))
	require.Equal(t, "pending", s.jobs(other))
	require.EqualValues(t, 6, s.Int(`SELECT total_amount FROM deleted_events WHERE event_id = $1`, id))
	left, err := s.app.Events.List(t.Context(), eventrow.Filter{Limit: 10})
	require.NoError(t, err)
	require.Len(t, left, 1)
}
