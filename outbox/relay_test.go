package outbox

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/kafkatest"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertest"
	"github.com/stretchr/testify/require"
)

// snoozed asserts that a worker has put its job off for so long.
func snoozed(t *testing.T, err error, wait time.Duration) {
	t.Helper()
	snooze, ok := errors.AsType[*river.JobSnoozeError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, wait, snooze.Duration)
}

// A job publishes a message for each of its chunks, in their order, and marks them in the transaction that completes
// it. Of a job that runs once more nothing is left to publish, and nothing is counted twice.
func TestARelayJobPublishesInOrderAndMarksOnce(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 2, 1, 2)
	d.exec(`UPDATE point_targets SET reason = 'of its own' WHERE id = 2`)
	d.exec(`UPDATE campaign_events SET expiry_at = '2030-01-01Z'`)
	id, err := d.work(d.all(), First, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"1-2 m001 m002", "3-3 m003", "4-5 m004 m005"}, d.sent(d.kafka.Topic(point)))
	require.Equal(t, "targets 5 chunks 3 counted 5", d.marked())
	require.Equal(t, "completed first 1-5", d.jobs())
	require.Equal(t, []*Refusal{nil, nil, nil}, d.reports)
	require.Empty(t, d.closed, "no target has its result yet")

	records := kafkatest.Messages(t, d.brokers, d.kafka.Topic(point))
	for i, record := range records {
		m, err := decode(record.Value, d.kafka.cfg.Installation)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%d-1-%d", id, i), m.ID)
		require.Equal(t, "POINT", m.EventType)
		require.Equal(t, 2030, m.ExpiryAt.UTC().Year())
		require.NotEmpty(t, m.Trace)
		require.Equal(t, int32(d.event%2), record.Partition, "the partition of event and key")
	}
	m, err := decode(records[0].Value, d.kafka.cfg.Installation)
	require.NoError(t, err)
	require.Equal(t, "a spring gift", m.Grants[0].Reason)
	require.Equal(t, "of its own", m.Grants[1].Reason)
	require.EqualValues(t, 10, m.Grants[0].Amount)

	_, err = d.work(d.all(), First, 0)
	require.NoError(t, err)
	require.Len(t, d.sent(d.kafka.Topic(point)), 3)
	require.Equal(t, "targets 5 chunks 3 counted 5", d.marked())
}

// A job publishes its own partition and range alone: ids of concurrent imports interleave.
func TestARelayJobKeepsToItsRun(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1, 1)
	other := d.chunk(1, 1)
	last := d.chunk(0, 1)
	_, err := d.work(domain.Run{EventID: d.event, First: 2, Last: 3}, First, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"2-2 m002"}, d.sent(d.kafka.Topic(point)))
	require.Equal(t, "targets 1 chunks 1 counted 1", d.marked())
	_, err = d.work(domain.Run{EventID: d.event, PartitionKey: 1, First: 1, Last: last.Last}, First, 0)
	require.NoError(t, err)
	require.Equal(t, "2",
		d.text(`SELECT count(*)::text FROM point_targets WHERE publish_status = 'PUBLISHED' AND id IN (2, $1)`,
			other.First))
	require.Equal(t, "targets 2 chunks 2 counted 2", d.marked())
}

// The fence by attempt: once River has given a job to another attempt, or the job is over, an older attempt marks
// nothing.
func TestAnOlderAttemptMarksNothing(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]string{
		"runs again":                `UPDATE river.river_job SET attempt = 2`,
		"waits for its rescue":      `UPDATE river.river_job SET state = 'retryable', scheduled_at = now()`,
		"was completed by the next": `UPDATE river.river_job SET attempt = 2, state = 'completed', finalized_at = now()`,
		"is gone":                   `DELETE FROM river.river_job`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setupRelay(t, 1, 1)
			id := d.job(d.all(), First, 0, "")
			job := begin(d.room, id, newArgs(d.all(), First, 0))
			d.exec(meanwhile)
			before := d.text(`SELECT coalesce(jsonb_agg(j), '[]')::text FROM river.river_job j`)
			err := d.workJob(job)
			require.Error(t, err)
			if name != "is gone" {
				require.ErrorIs(t, err, ErrFenced)
			}
			require.Equal(t, "targets 0 chunks 0 counted 0", d.marked())
			require.Equal(t, before, d.text(`SELECT coalesce(jsonb_agg(j), '[]')::text FROM river.river_job j`))
			require.Empty(t, d.closed)
		})
	}
}

// An attempt whose time is up publishes no further message. What Kafka has taken is marked, by the fence, and the rest
// becomes a job of its own.
func TestAnAttemptWhoseTimeIsUp(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1, 1, 1)
	ctx, cancel := context.WithCancel(rivertest.WorkContext(t.Context(), d.river))
	d.relay.tell = func(string, *Refusal) { cancel() } // after the first message
	id := d.job(d.all(), First, 0, "")
	require.NoError(t, d.relay.Work(ctx, begin(d.room, id, newArgs(d.all(), First, 0))))
	require.Equal(t, []string{"1-1 m001"}, d.sent(d.kafka.Topic(point)))
	require.Equal(t, "targets 1 chunks 1 counted 1", d.marked())
	require.Equal(t, "completed first 1-3, scheduled first 2-3", d.jobs())
}

// What is left of a job is handed on as what it was: of its mode, and of its try.
func TestTheRestOfAJobKeepsItsModeAndTry(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1, 1)
	d.published()
	d.exec(`INSERT INTO point_results (event_id, member_id, amount, status, retry_count)
		SELECT event_id, member_id, 10, 'FAILED', 2 FROM point_targets`)
	ctx, cancel := context.WithCancel(rivertest.WorkContext(t.Context(), d.river))
	d.relay.tell = func(string, *Refusal) { cancel() }
	id := d.job(d.all(), Retry, 2, "")
	require.NoError(t, d.relay.Work(ctx, begin(d.room, id, newArgs(d.all(), Retry, 2))))
	require.Equal(t, "completed retry 2 1-2, scheduled retry 2 2-2", d.jobs())
}

// A job that is cancelled before it has published anything is not put off: it may be another attempt's by now.
func TestACancelledAttemptTakesNoSnooze(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1)
	id := d.job(d.all(), First, 0, "")
	job := begin(d.room, id, newArgs(d.all(), First, 0))
	b, err := pg.Value(t.Context(), d.pool,
		func(tx pgx.Tx) (batch, error) { return readBatch(t.Context(), tx, job.Args) })
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	acked, err := d.relay.publish(ctx, b, job, time.Now().Add(publishBudget))
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, acked)
	require.Empty(t, d.sent(d.kafka.Topic(point)))

	d.block(d.kafka.Topic(point)) // the refusal comes when the time is up
	late, cancel := context.WithCancel(rivertest.WorkContext(t.Context(), d.river))
	d.relay.tell = func(string, *Refusal) { cancel() }
	err = d.relay.Work(late, job)
	require.Error(t, err)
	require.NotErrorIs(t, err, &river.JobSnoozeError{})
}

// A job publishes no further message once its budget is spent, but at least one: the rest becomes a job of its own.
func TestAJobEndsWithItsBudget(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1, 1)
	id := d.job(d.all(), First, 0, "")
	job := begin(d.room, id, newArgs(d.all(), First, 0))
	b, err := pg.Value(t.Context(), d.pool,
		func(tx pgx.Tx) (batch, error) { return readBatch(t.Context(), tx, job.Args) })
	require.NoError(t, err)
	acked, err := d.relay.publish(t.Context(), b, job, time.Now().Add(-time.Second))
	require.NoError(t, err)
	require.Equal(t, 1, acked)
	require.Equal(t, []string{"1-1 m001"}, d.sent(d.kafka.Topic(point)))
}

// Which jobs publish in which status of their event. One that does not is completed: a resume makes it anew.
func TestWhatAJobPublishesByItsEvent(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1, 1)
	d.exec(`UPDATE point_targets SET publish_status = 'PUBLISHED' WHERE id = 2`)
	d.exec(`INSERT INTO point_results (event_id, member_id, amount, status, redrive)
		VALUES ($1, 'm002', 10, 'PERMANENTLY_FAILED', 1)`, d.event)
	for _, c := range []struct {
		status         string
		mode           Mode
		first, redrive int // messages
	}{
		{"PENDING", First, 0, 0},
		{"STOPPED", First, 0, 0},
		{"FAILED", First, 0, 0},
		{"COMPLETED", First, 0, 0},
		{"PENDING", Redrive, 0, 0},
		{"STOPPED", Redrive, 0, 0},
		{"FAILED", Redrive, 0, 0},
		{"COMPLETED", Redrive, 0, 1},
		{"RUNNING", Redrive, 0, 2},
		{"RUNNING", First, 1, 2},
	} {
		d.exec(`UPDATE campaign_events SET event_status = $1`, c.status)
		id, err := d.work(d.all(), c.mode, 0)
		require.NoError(t, err, "%s %s", c.status, c.mode)
		require.Len(t, d.sent(d.kafka.Topic(point)), c.first, "%s %s", c.status, c.mode)
		require.Len(t, d.sent(d.kafka.DeadLetter(point)), c.redrive, "%s %s", c.status, c.mode)
		require.Equal(t, "completed", d.text(`SELECT state FROM river.river_job WHERE id = $1`, id))
	}
}

// A brake puts the jobs of what it holds off. It says nothing about a stopped event's jobs, which the stop ends.
func TestABrakeHoldsJobs(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1)
	brake := func(scope string) {
		d.exec(`DELETE FROM brakes`)
		d.exec(`INSERT INTO brakes (scope, by, memo) VALUES ($1, 'test', '')`, scope)
	}
	for _, scope := range []string{"all", "type:POINT"} {
		brake(scope)
		_, err := d.work(d.all(), First, 0)
		snoozed(t, err, brakeSleep)
	}
	require.Empty(t, d.sent(d.kafka.Topic(point)))
	require.Equal(t, "targets 0 chunks 0 counted 0", d.marked())
	d.exec(`UPDATE campaign_events SET event_status = 'STOPPED'`)
	_, err := d.work(d.all(), First, 0)
	require.NoError(t, err)
	brake("type:VOUCHER")
	d.exec(`UPDATE campaign_events SET event_status = 'RUNNING'`)
	_, err = d.work(d.all(), First, 0)
	require.NoError(t, err)
	require.Equal(t, "targets 1 chunks 1 counted 1", d.marked())
}

// gated runs a job's attempt up to its mark, does what happens meanwhile under the event's gate, and lets it go on.
func (d *desk) gated(job *river.Job[RelayArgs], meanwhile string) error {
	d.Helper()
	gate, err := d.pool.Begin(d.Context())
	require.NoError(d, err)
	defer func() { _ = gate.Rollback(d.Context()) }() // if a check fails first
	require.NoError(d, pg.Lock(d.Context(), gate, pg.Gate, d.event))
	ended := make(chan error, 1)
	go func() { ended <- d.workJob(job) }()
	require.Eventually(d, func() bool {
		return len(ended) > 0 || d.text(`SELECT count(*)::text FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
			WHERE l.locktype = 'advisory' AND NOT l.granted`) == "1"
	}, 10*time.Second, time.Millisecond, "the relay does not come to the gate")
	require.Empty(d, ended, "the relay did not wait for the gate")
	_, err = gate.Exec(d.Context(), meanwhile)
	require.NoError(d, err)
	require.NoError(d, gate.Commit(d.Context()))
	return <-ended
}

// An event was resumed after its job had found it stopped: the resume counted on the job, so it may not be completed.
func TestAResumeCountsOnTheJobThatFoundItStopped(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1)
	d.exec(`UPDATE campaign_events SET event_status = 'STOPPED'`)
	id := d.job(d.all(), First, 0, "")
	err := d.gated(begin(d.room, id, newArgs(d.all(), First, 0)), `UPDATE campaign_events SET event_status = 'RUNNING'`)
	require.ErrorIs(t, err, errAwake)
	require.Equal(t, "running first 1-1", d.jobs())
	require.Equal(t, "targets 0 chunks 0 counted 0", d.marked())
}

// An event was stopped while its job published: what Kafka has is marked, and a handler may have dropped the message,
// so that it is asked for once more.
func TestAStopWhileAJobPublishes(t *testing.T) {
	t.Parallel()
	for mode, again := range map[Mode]Mode{First: Unsettled, Republish: Unsettled, Retry: Unsettled, Redrive: Redrive} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			d := setupRelay(t, 1)
			switch mode {
			case First:
			case Redrive:
				d.exec(`INSERT INTO point_results (event_id, member_id, amount, status, redrive)
					VALUES ($1, 'm001', 10, 'PERMANENTLY_FAILED', 1)`, d.event)
			case Retry:
				d.exec(`INSERT INTO point_results (event_id, member_id, amount, status) VALUES ($1, 'm001', 10, 'FAILED')`, d.event)
			default:
				d.published()
			}
			id := d.job(d.all(), mode, 0, "")
			err := d.gated(begin(d.room, id, newArgs(d.all(), mode, 0)),
				`WITH stopped AS (UPDATE campaign_events SET event_status = 'STOPPED')
				UPDATE campaign_event_summary SET stopped_at = now()`)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("completed %s 1-1, scheduled %s 1-1", mode, again), d.jobs())
			if mode == First {
				require.Equal(t, "targets 1 chunks 1 counted 1", d.marked(),
					"what Kafka has is marked, whatever the status")
			}
		})
	}
}

// The modes are the rule of who is published, and where. A mode that is not the first leaves a chunk that was never
// marked as published to the sweep.
func TestModes(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 9)
	d.exec(`UPDATE point_targets SET publish_status = 'PUBLISHED' WHERE id < 9`)
	for member, set := range map[string]string{ // m001 has no result
		"m002": `'PENDING', 0, 0, 0`,
		"m003": `'SUCCESS', 0, 0, 0`,
		"m004": `'FAILED', 1, 0, 0`,
		"m005": `'FAILED', 2, 0, 0`,
		"m006": `'PERMANENTLY_FAILED', 6, 0, 0`,
		"m007": `'PERMANENTLY_FAILED', 6, 1, 0`, // a person asked for a redrive
		"m008": `'PERMANENTLY_FAILED', 6, 1, 1`, // which was answered
	} {
		d.exec(
			`INSERT INTO point_results (event_id, member_id, amount, status, retry_count, redrive, redrive_done) VALUES ($1, $2, 10, `+set+`)`, d.event, member)
	}
	main, dlt := d.kafka.Topic(point), d.kafka.DeadLetter(point)
	for _, c := range []struct {
		mode  Mode
		try   int
		topic string
		want  string
	}{
		{Republish, 0, main, "1-9 m001 m002"},
		{Unsettled, 0, main, "1-9 m001 m002 m004.1 m005.2"},
		{Retry, 1, dlt, "1-9 m004.1"},
		{Retry, 2, dlt, "1-9 m005.2"},
		{Redrive, 0, dlt, "1-9 m007.6+1"},
		{First, 0, main, "1-9 m009"},
	} {
		before := len(d.sent(c.topic))
		require.Equal(t, "targets 8 chunks 0 counted 0", d.marked(), "%s", c.mode)
		_, err := d.work(d.all(), c.mode, c.try)
		require.NoError(t, err)
		require.Equal(t, []string{c.want}, d.sent(c.topic)[before:], "%s %d", c.mode, c.try)
	}
	require.Equal(t, "targets 9 chunks 1 counted 1", d.marked())
	sent := len(d.sent(dlt))
	_, err := d.work(d.all(), Retry, 3)
	require.NoError(t, err)
	require.Len(t, d.sent(dlt), sent, "of a try at which nobody stands nothing is published")

	d.exec(`UPDATE grant_chunks SET published_at = '2020-01-01Z'`)
	_, err = d.work(d.all(), Republish, 0)
	require.NoError(t, err)
	require.Equal(t, "true", d.text(`SELECT (published_at > now() - interval '1 minute')::text FROM grant_chunks`),
		"it was published once more")
	require.Equal(t, "targets 9 chunks 1 counted 1", d.marked())
}

// The relay that marks the last targets closes the event, if all of them have their results already.
func TestTheLastMarkClosesTheEvent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		final  int
		closes bool
	}{"all have their results": {2, true}, "one has none": {1, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setupRelay(t, 1, 1)
			d.exec(`UPDATE campaign_event_summary SET success_count = 1, fail_count = $1`, c.final-1)
			_, err := d.work(d.chunks[0], First, 0)
			require.NoError(t, err)
			require.Empty(t, d.closed, "not all is published")
			_, err = d.work(d.chunks[1], First, 0)
			require.NoError(t, err)
			require.Equal(t, c.closes, len(d.closed) == 1 && d.closed[0] == d.event)
		})
	}
}
