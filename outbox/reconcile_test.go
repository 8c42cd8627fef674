package outbox

import (
	"testing"
	"time"

	"bestow/internal/kafkatest"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// A group has passed a moment once it has reached each partition's end of then, or of a log that was made anew since.
func TestPassedBy(t *testing.T) {
	t.Parallel()
	m := moment{offsets: map[int32]int64{0: 10, 1: 0, 2: 5}}
	now := map[int32]int64{0: 20, 1: 7, 2: 5}
	for name, c := range map[string]struct {
		reached, ends map[int32]int64
		passed        bool
	}{
		"to the end of now":            {now, now, true},
		"to the end of then":           {map[int32]int64{0: 10, 2: 5}, now, true},
		"one message is left":          {map[int32]int64{0: 9, 2: 5}, now, false},
		"one partition was never read": {map[int32]int64{0: 20, 1: 7}, now, false},
		"the log was made anew":        {map[int32]int64{0: 2, 2: 5}, map[int32]int64{0: 2, 2: 5}, true},
		"the new log is not read yet":  {map[int32]int64{0: 1, 2: 5}, map[int32]int64{0: 2, 2: 5}, false},
		"the partition is not there":   {map[int32]int64{0: 10}, map[int32]int64{0: 10}, true},
	} {
		require.Equal(t, c.passed, m.passedBy(c.reached, c.ends), name)
	}
}

// lost returns what a reconcile asks for of a room whose chunks were published an hour ago, passed by the groups at a
// time.
func (r *room) lost(passed time.Time) (chunks, redrives int) {
	r.Helper()
	n := r.sweeper()
	r.tx(func(tx pgx.Tx) (err error) {
		chunks, err = n.republishLost(r.Context(), tx, point, passed)
		return err
	})
	r.tx(func(tx pgx.Tx) (err error) {
		redrives, err = n.republishRedrives(r.Context(), tx, point, passed)
		return err
	})
	return chunks, redrives
}

// What a reconcile takes for lost, of one chunk that was published an hour ago and that the groups have passed since.
func TestWhatIsLost(t *testing.T) {
	t.Parallel()
	const redrive = `UPDATE grant_chunks SET settled_at = now();
		INSERT INTO point_results (event_id, member_id, amount, status, redrive) VALUES (1, 'm001', 10, 'PERMANENTLY_FAILED', 1);`
	const none, chunk, again = "", "unsettled", "redrive"
	for _, c := range []struct{ name, rows, job, want string }{
		{"published and passed", ``, ``, chunk},
		{"settled", `UPDATE grant_chunks SET settled_at = now()`, ``, none},
		{"not published", `UPDATE grant_chunks SET published_at = NULL`, ``, none},
		{"just published", `UPDATE grant_chunks SET published_at = now() - interval '59 seconds'`, ``, none},
		{"asked for 5 times, 31 minutes ago", `UPDATE grant_chunks SET reconciled = 5, published_at = now() - interval '31 minutes'`, ``, none},
		{"asked for 5 times, 33 minutes ago", `UPDATE grant_chunks SET reconciled = 5, published_at = now() - interval '33 minutes'`, ``, chunk},
		{"asked for very often, 18 hours ago", `UPDATE grant_chunks SET reconciled = 70, published_at = now() - interval '18 hours'`, ``, chunk},
		{"under an open claim", `UPDATE grant_chunks SET open_until = now() + interval '1 minute'`, ``, none},
		{"under a claim that ran out", `UPDATE grant_chunks SET open_until = now() - interval '1 minute'`, ``, chunk},
		{"with a job", ``, "unsettled", none},
		{"with its retry to come", ``, "retry", none},
		{"of a stopped event", `UPDATE campaign_events SET event_status = 'STOPPED'`, ``, none},
		{"of another type", `UPDATE campaign_events SET event_type = 'VOUCHER'`, ``, none},
		{"redrive", redrive, ``, again},
		{"redrive of a completed event", redrive + `UPDATE campaign_events SET event_status = 'COMPLETED'`, ``, again},
		{"redrive of a stopped event", redrive + `UPDATE campaign_events SET event_status = 'STOPPED'`, ``, none},
		{"redrive of another type", redrive + `UPDATE campaign_events SET event_type = 'VOUCHER'`, ``, none},
		{"redrive that was answered", redrive + `UPDATE point_results SET redrive_done = 1`, ``, none},
		{"redrive that has succeeded", redrive + `UPDATE point_results SET status = 'SUCCESS'`, ``, none},
		{"redrive just published", redrive + `UPDATE grant_chunks SET published_at = now() - interval '59 seconds'`, ``, none},
		{"redrive, asked for 5 times", redrive + `UPDATE grant_chunks SET reconciled = 5, published_at = now() - interval '31 minutes'`, ``, none},
		{"redrive under an open claim", redrive + `UPDATE grant_chunks SET open_until = now() + interval '1 minute'`, ``, none},
		{"redrive with a job", redrive, "redrive", none},
		{"redrive with a job of another mode", redrive, "unsettled", again},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := setup(t, 2)
			r.published()
			r.exec(c.rows + `;`)
			if c.job != "" {
				r.job(r.all(), Mode(c.job), 0, "")
			}
			before := r.text(`SELECT reconciled::text FROM grant_chunks`)
			r.exec(`UPDATE river.river_job SET metadata = '{"old": true}'`)
			chunks, redrives := r.lost(time.Now().Add(time.Second))
			require.Equal(t, c.want == chunk, chunks == 1)
			require.Equal(t, c.want == again, redrives == 1)
			require.Equal(t, c.want, r.text(`SELECT coalesce(string_agg(args->>'mode', ' '), '') FROM river.river_job WHERE NOT metadata ? 'old'`))
			noted := r.text(`SELECT reconciled::text FROM grant_chunks`)
			require.Equal(t, c.want != none, noted != before, "it waits twice as long before the next time")
			chunks, redrives = r.lost(time.Now().Add(time.Second))
			require.Zero(t, chunks+redrives, "its job waits")
		})
	}
}

// What was published after the moment that the groups have passed may still lie in Kafka.
func TestWhatIsPublishedAfterTheMoment(t *testing.T) {
	t.Parallel()
	r := setup(t, 1, 1)
	r.published()
	r.exec(`INSERT INTO point_results (event_id, member_id, amount, status, redrive)
		VALUES ($1, 'm001', 10, 'PERMANENTLY_FAILED', 1)`, r.event)
	chunks, redrives := r.lost(time.Now().Add(-2 * time.Hour))
	require.Zero(t, chunks+redrives)
}

// A chunk counts as lost when the groups of both topics have passed a moment after its publication. A lag is no loss.
func TestReconcile(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1)
	sweeper := d.sweeper()
	sweeper.kafka, sweeper.Patience = d.kafka, time.Nanosecond
	_, err := d.work(d.all(), First, 0)
	require.NoError(t, err)
	topic, dlt := d.kafka.Topic(point), d.kafka.DeadLetter(point)
	kafkatest.Produce(t, d.brokers, dlt, 0, []byte("a retry"))
	reconcile := func() int {
		t.Helper()
		n, err := sweeper.Reconcile(t.Context())
		require.NoError(t, err)
		return n
	}
	require.Zero(t, reconcile(), "a moment is noted")
	require.Zero(t, reconcile(), "nothing was read yet")
	read := kafkatest.EndOffsets(t, d.brokers, topic)
	kafkatest.Commit(t, d.brokers, d.kafka.group(topic), topic, read)
	require.Zero(t, reconcile(), "of the other topic nothing was read yet")
	kafkatest.DeleteRecords(t, d.brokers, dlt, 0, 1)
	require.Equal(t, 1, reconcile(), "what the log no longer holds counts as read")
	require.Equal(t, "completed first 1-1, available unsettled 1-1", d.jobs())
	require.Zero(t, reconcile(), "its job waits")

	moments := func() string { return d.text(`SELECT count(*)::text FROM reconcile_moments WHERE topic = $1`, topic) }
	require.Equal(t, "2", moments(), "of the moments that were passed, the last is kept, beside the present one")
	reconcile()
	require.Equal(t, "2", moments())
}

// The present moment is noted before the ends are read: what is marked as published later stands behind it.
func TestAMomentIsOfTheDatabasesClock(t *testing.T) {
	t.Parallel()
	d := setupRelay(t)
	sweeper := d.sweeper()
	sweeper.kafka = d.kafka
	passed, err := sweeper.passed(t.Context(), d.kafka.Topic(point))
	require.NoError(t, err)
	require.Zero(t, passed, "no moment was noted before")
	first, err := pg.Value(t.Context(), d.pool, func(tx pgx.Tx) ([]moment, error) { return selectMoments(t.Context(), tx, d.kafka.Topic(point)) })
	require.NoError(t, err)
	require.Equal(t, map[int32]int64{0: 0, 1: 0}, first[0].offsets)
	passed, err = sweeper.passed(t.Context(), d.kafka.Topic(point))
	require.NoError(t, err)
	require.Equal(t, first[0].at, passed)
}
