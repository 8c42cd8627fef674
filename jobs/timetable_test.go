package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/command"
	"bestow/app/imports"
	"bestow/internal/kafkatest"
	"bestow/internal/logtest"
	"bestow/internal/pgtest"
	"bestow/migrations"
	"bestow/money/moneydb"
	"bestow/money/points"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"
)

// The timetable, by the kinds of its jobs, which are wire format. A job is in the queue of the timetable, and never
// discarded.
func TestSchedules(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, s := range schedules() {
		line := fmt.Sprintf("%s every %s", s.args.Kind(), s.every)
		if s.one {
			line += ", one at a time"
		}
		lines = append(lines, line)
		require.Equal(t, Queue, s.insertOpts().Queue, line)
		require.Equal(t, math.MaxInt16, s.insertOpts().MaxAttempts, line)
	}
	require.Equal(t, []string{
		"start_due every 5s",
		"close_done every 5s",
		"sweep every 30s",
		"reconcile every 30s",
		"rescue every 30s",
		"audit every 10s",
		"make_types every 30s, one at a time",
		"tidy every 10m0s",
		"expire every 1m0s, one at a time",
		"collect every 10m0s, one at a time",
		"forecast every 10m0s, one at a time",
	}, lines)
}

// Of a job that may take long there is never more than one that is still to be worked. A job that is over stands in no
// one's way, and neither does another of those that are quick.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	rc, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: migrations.RiverSchema})
	require.NoError(t, err)
	for _, s := range schedules() {
		first, err := rc.Insert(t.Context(), s.args, s.insertOpts())
		require.NoError(t, err)
		for state, over := range map[string]bool{
			"available": false, "pending": false, "scheduled": false, "retryable": false, "running": false,
			"completed": true, "cancelled": true, "discarded": true,
		} {
			tx, err := pool.Begin(t.Context())
			require.NoError(t, err)
			_, err = tx.Exec(t.Context(), `UPDATE river.river_job SET state = $2::river.river_job_state, finalized_at = CASE WHEN $3 THEN now() END WHERE id = $1`,
				first.Job.ID, state, over)
			require.NoError(t, err)
			second, err := rc.InsertTx(t.Context(), tx, s.args, s.insertOpts())
			require.NoError(t, err)
			require.Equal(t, s.one && !over, second.UniqueSkippedAsDuplicate, "%s beside one that is %s", s.args.Kind(), state)
			require.NoError(t, tx.Rollback(t.Context()))
		}
	}
}

// timetable is a process with the role jobs.
type timetable struct {
	testing.TB
	pool   *pgxpool.Pool
	app    *app.App
	client *river.Client[pgx.Tx]
	kafka  *outbox.Kafka
	log    *logtest.Log
}

// setupTimetable makes a process that does not run yet.
func setupTimetable(t *testing.T, q Queues) *timetable {
	t.Helper()
	tt := &timetable{TB: t, pool: pgtest.New(t), log: &logtest.Log{}}
	i, err := outbox.ReadInstallation(t.Context(), tt.pool)
	require.NoError(t, err)
	tt.kafka, err = outbox.NewKafka(outbox.KafkaConfig{Brokers: kafkatest.Brokers(t), Installation: i, TopicPrefix: kafkatest.Prefix(t), Partitions: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, tt.kafka.Close()) })
	types, err := outbox.ReadyTypes(t.Context(), tt.pool)
	require.NoError(t, err)
	require.NoError(t, tt.kafka.CheckTopics(types))
	ledger, err := moneydb.New(moneydb.Config{Pool: tt.pool})
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(tt.log, nil))
	workers := river.NewWorkers()
	inserter, err := NewInserter(tt.pool)
	require.NoError(t, err)
	tt.app, err = app.New(app.Deps{Pool: tt.pool, River: inserter, Log: log})
	require.NoError(t, err)
	relay, err := outbox.NewRelayWorker(outbox.RelayConfig{Pool: tt.pool, Kafka: tt.kafka, Close: tt.app.Events.Close, Log: log})
	require.NoError(t, err)
	replay, err := outbox.NewReplayWorker(outbox.ReplayConfig{Pool: tt.pool, Kafka: tt.kafka, Log: log})
	require.NoError(t, err)
	sweeper, err := outbox.NewSweeper(outbox.SweeperConfig{
		Pool: tt.pool, River: inserter, Kafka: tt.kafka, ChunksAJob: 1, Patience: time.Minute,
	})
	require.NoError(t, err)
	require.EqualError(t, Register(workers, Workers{App: tt.app, Relay: relay}), "configure workers: Replay is missing")
	require.NoError(t, Register(workers, Workers{
		App: tt.app, Relay: relay, Replay: replay, Sweeper: sweeper, MakeTopics: tt.kafka.MakeTopics,
		Ledger: ledger, Log: log,
	}))
	tt.client, err = NewClient(ClientConfig{ID: "test", Pool: tt.pool, Workers: workers, Queues: q, Log: log})
	require.NoError(t, err)
	return tt
}

// event makes an event with one member.
func (tt *timetable) event(campaign string) {
	tt.Helper()
	by := command.Caller{Actor: "test"}
	e, err := tt.app.Events.Create(tt.Context(), by, app.NewEvent{CampaignID: campaign, EventType: "POINT"})
	require.NoError(tt, err)
	_, err = tt.app.Targets.Import(tt.Context(), by, e.Value.ID, imports.Upload{Body: strings.NewReader("member_id,amount\nm1,10\n"), ContentType: "text/csv"})
	require.NoError(tt, err)
}

func (tt *timetable) exec(sql string, args ...any) {
	tt.Helper()
	_, err := tt.pool.Exec(tt.Context(), sql, args...)
	require.NoError(tt, err)
}

func (tt *timetable) text(sql string) (text string) {
	tt.Helper()
	require.NoError(tt, tt.pool.QueryRow(tt.Context(), sql).Scan(&text))
	return text
}

// run lets the process work until the test ends.
func (tt *timetable) run() {
	tt.Helper()
	require.NoError(tt, tt.client.Start(context.WithoutCancel(tt.Context())))
	tt.Cleanup(func() { require.NoError(tt, tt.client.Stop(context.Background())) })
}

// Every job of the timetable has a worker, and this is what they do.
func TestTheTimetableIsWorked(t *testing.T) {
	t.Parallel()
	tt := setupTimetable(t, Queues{Jobs: true})
	for _, campaign := range []string{"is done", "is due", "has no job", "is held"} {
		tt.event(campaign)
	}
	tt.exec(`UPDATE campaign_events SET event_status = 'RUNNING' WHERE campaign_id <> 'is due'`)
	tt.exec(`UPDATE campaign_events SET reservation_at = date_trunc('second', now()) WHERE campaign_id = 'is due'`)
	tt.exec(`UPDATE campaign_event_summary SET published_count = 1, success_count = 1 WHERE event_id = 1`)
	tt.exec(`DELETE FROM river.river_job WHERE (args->>'event_id')::bigint = 3`)
	tt.exec(`UPDATE campaign_events SET event_type = 'VOUCHER' WHERE campaign_id = 'is held'`)
	tt.exec(`INSERT INTO brakes (scope, by, memo) VALUES ('type:VOUCHER', 'test', '')`)
	tt.exec(`INSERT INTO processes (id, roles, version, host, pid, seen_at) VALUES (gen_random_uuid(), '{jobs}', 'v', 'h', 1, now() - interval '30 days')`)
	tt.exec(`INSERT INTO uploads (owner, size, content_type, name, metadata, expires_at) VALUES ('crm', 9, 'text/csv', '', '', now())`)
	for _, s := range schedules() {
		if s.one { // the leader inserts these when it begins
			continue
		}
		_, err := tt.client.Insert(t.Context(), s.args, s.insertOpts())
		require.NoError(t, err, "%s has no worker", s.args.Kind())
	}
	tt.run()
	require.Eventually(t, func() bool {
		return tt.text(`SELECT count(DISTINCT kind)::text FROM river.river_job WHERE state = 'completed' AND queue = 'jobs'`) == fmt.Sprint(len(schedules()))
	}, 30*time.Second, 5*time.Millisecond, "%s", tt.log)
	require.Equal(t, "1 COMPLETED, 2 RUNNING, 3 RUNNING, 4 STOPPED",
		tt.text(`SELECT string_agg(concat_ws(' ', id, event_status), ', ' ORDER BY id) FROM campaign_events`))
	require.Equal(t, "3", tt.text(`SELECT coalesce(string_agg(args->>'event_id', ' '), 'none') FROM river.river_job WHERE kind = 'relay' AND (args->>'event_id')::bigint = 3`))
	require.Equal(t, "2", tt.text(`SELECT count(*)::text FROM reconcile_moments WHERE topic LIKE '%point%'`))
	require.Equal(t, "0", tt.text(`SELECT count(*)::text FROM processes`))
	require.Equal(t, "0", tt.text(`SELECT count(*)::text FROM uploads`))
	require.Equal(t, 1, strings.Count(tt.log.String(), "chunks without a job were given one"))
	require.NotEqual(t, "0", tt.text(`SELECT count(*)::text FROM money.point_forecast`))
}

// A process works the queues of its roles alone; the leader inserts the timetable, whatever its role.
func TestAProcessWorksItsRoles(t *testing.T) {
	t.Parallel()
	tt := setupTimetable(t, Queues{Relay: true})
	sweep, err := tt.client.Insert(t.Context(), sweepArgs{}, &river.InsertOpts{Queue: Queue})
	require.NoError(t, err)
	replay, err := tt.client.Insert(t.Context(), outbox.ReplayArgs{ParkedID: 1}, &river.InsertOpts{Queue: outbox.Queue})
	require.NoError(t, err)
	tt.run()
	state := func(id int64) string {
		return tt.text(fmt.Sprintf(`SELECT state::text FROM river.river_job WHERE id = %d`, id))
	}
	require.Eventually(t, func() bool { return state(replay.Job.ID) == "completed" }, 20*time.Second, 5*time.Millisecond)
	require.Eventually(t, func() bool {
		return tt.text(`SELECT count(*)::text FROM river.river_job WHERE kind IN ('expire', 'collect', 'forecast')`) == "3"
	}, 20*time.Second, 5*time.Millisecond)
	require.Equal(t, "available", state(sweep.Job.ID))
	require.Equal(t, "0", tt.text(`SELECT count(*)::text FROM river.river_job WHERE kind = 'expire' AND state = 'completed'`))
}

// What River is told: which queues, how long a job may run, and that nothing of ours is ever lost.
func TestConfig(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	for q, want := range map[Queues]map[string]river.QueueConfig{
		{}:                        {},
		{Relay: true}:             {outbox.Queue: {MaxWorkers: relayWorkers}},
		{Jobs: true}:              {Queue: {MaxWorkers: timetableWorkers}},
		{Relay: true, Jobs: true}: {outbox.Queue: {MaxWorkers: relayWorkers}, Queue: {MaxWorkers: timetableWorkers}},
	} {
		c := ClientConfig{ID: "p", Workers: river.NewWorkers(), Queues: q, Log: log}.river()
		require.Equal(t, want, c.Queues)
		require.Len(t, c.PeriodicJobs, len(schedules()), "any process may lead")
		require.Equal(t, "p", c.ID)
		require.Less(t, c.JobTimeout, c.RescueStuckJobsAfter, "a job that still runs is not rescued")
		require.EqualValues(t, -1, c.DiscardedJobRetentionPeriod)
		require.EqualValues(t, -1, c.CancelledJobRetentionPeriod)
	}
	long := 0
	for _, s := range schedules() {
		if s.one {
			long++
		}
	}
	require.Greater(t, timetableWorkers, long+1, "what takes long, and verify, leave a worker to the others")
}

// The wait after a failed attempt doubles from a second on, and is never longer than maxRetryWait.
func TestNextRetry(t *testing.T) {
	t.Parallel()
	for errs, want := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 2: 4 * time.Second, 3: 8 * time.Second, 4: maxRetryWait, 5: maxRetryWait, 1000: maxRetryWait} {
		next := cappedRetry{}.NextRetry(&rivertype.JobRow{Errors: make([]rivertype.AttemptError, errs)})
		require.WithinDuration(t, time.Now().Add(want), next, 500*time.Millisecond, "%d errors", errs)
	}
}

// What should never be there is logged with its number, and an error is the job's, whatever was done before it.
func TestWarned(t *testing.T) {
	t.Parallel()
	failed := errors.New("the database is away")
	for _, c := range []struct {
		n    int
		err  error
		logs int
	}{{0, nil, 0}, {2, nil, 1}, {2, failed, 1}, {0, failed, 0}} {
		var log logtest.Log
		w := Workers{Log: slog.New(slog.NewTextHandler(&log, nil))}
		found := map[string]int{}
		w.Found = func(job string, n int) { found[job] += n }
		err := w.warned(sweepArgs{}, "lost", func(context.Context) (int, error) { return c.n, c.err })(t.Context())
		require.Equal(t, c.err, err)
		require.Equal(t, map[string]int{"sweep": c.n}, found)
		require.Equal(t, c.logs, strings.Count(log.String(), "level=WARN"), log.String())
		require.Equal(t, c.logs, strings.Count(log.String(), "msg=lost count=2"), log.String())
	}
}

// A kind that takes long has its own time, which River's rescue honours; the others have River's.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	require.Zero(t, (&worker[sweepArgs]{}).Timeout(nil))
	require.Equal(t, forecastTimeout, (&worker[forecastArgs]{timeout: forecastTimeout}).Timeout(nil))
	require.Equal(t, expireTimeout, (&expireWorker{}).Timeout(nil))
	require.WithinDuration(t, time.Now().Add(jobTimeout/2), inHalfTheTime(), time.Second)
}

// collect goes from members to members until nobody is left. Those from whom it could not take stop no others, and one of
// their errors is the job's.
func TestCollect(t *testing.T) {
	t.Parallel()
	first, second := errors.New("first"), errors.New("second")
	var asked []string
	err := collect(t.Context(), func(_ context.Context, after string) (points.Collected, error) {
		asked = append(asked, after)
		switch after {
		case "":
			return points.Collected{Members: 100, Last: "m100"}, nil
		case "m100":
			return points.Collected{Members: 100, Last: "m200"}, first
		case "m200":
			return points.Collected{Members: 1, Last: "m201"}, second
		}
		return points.Collected{}, nil
	})
	require.Equal(t, first, err)
	require.Equal(t, []string{"", "m100", "m200", "m201"}, asked)
}
