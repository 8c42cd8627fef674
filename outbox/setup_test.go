package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/embedkafka"
	"bestow/internal/kafkatest"
	"bestow/internal/logtest"
	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m, kafkatest.Leaks()...) }

// The event types of a new database.
var (
	point   = domain.EventType{Code: "POINT", Topic: "point"}
	voucher = domain.EventType{Code: "VOUCHER", Topic: "voucher"}
)

// room is a database with a RUNNING event of points on it. No job was made for its chunks.
type room struct {
	testing.TB
	pool  *pgxpool.Pool
	river Inserter
	event int64

	chunks []domain.Chunk // in the order of their ids
}

// setup makes an event with a chunk of each size in partition 0. Its targets are m001, m002 and so on, with 10 points
// each.
func setup(t *testing.T, sizes ...int) *room {
	t.Helper()
	pool := pgtest.New(t)
	rc, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: "river"})
	require.NoError(t, err)
	r := &room{TB: t, pool: pool, river: rc}
	r.event = r.newEvent("spring")
	r.exec(`UPDATE campaign_events SET default_reason = 'a spring gift'`)
	for _, size := range sizes {
		r.chunk(0, size)
	}
	return r
}

// newEvent makes a RUNNING event without targets.
func (r *room) newEvent(campaign string) (id int64) {
	r.Helper()
	require.NoError(r, r.pool.QueryRow(r.Context(), `INSERT INTO campaign_events (campaign_id, event_type, event_status, created_by)
		VALUES ($1, 'POINT', 'RUNNING', 'test') RETURNING id`, campaign).Scan(&id))
	r.exec(`INSERT INTO campaign_event_summary (event_id) VALUES ($1)`, id)
	r.exec(`INSERT INTO imports (event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount)
		VALUES ($1, 'test', 'text/csv', '', 0, 0, 0, 0)`, id)
	return id
}

// chunk adds a chunk of so many targets to the event.
func (r *room) chunk(partition, size int) domain.Chunk {
	r.Helper()
	c := domain.Chunk{EventID: r.event, PartitionKey: partition, First: 1}
	if n := len(r.chunks); n > 0 {
		c.First = r.chunks[n-1].Last + 1
	}
	c.Last = c.First + int64(size) - 1
	r.exec(`INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, import_id)
		SELECT $1, $2, $3, $4, $5, id FROM imports WHERE event_id = $1`, c.EventID, c.PartitionKey, c.First, c.Last, size)
	r.exec(`INSERT INTO point_targets (id, event_id, partition_key, member_id, amount)
		SELECT n, $1, $2, 'm' || lpad(n::text, 3, '0'), 10 FROM generate_series($3::bigint, $4::bigint) n`, c.EventID, c.PartitionKey, c.First, c.Last)
	r.exec(`UPDATE campaign_events SET total_count = total_count + $2 WHERE id = $1`, r.event, size)
	r.chunks = append(r.chunks, c)
	return c
}

// all is the run of all chunks of partition 0.
func (r *room) all() domain.Run {
	return domain.Run{EventID: r.event, First: r.chunks[0].First, Last: r.chunks[len(r.chunks)-1].Last}
}

// published marks the event's targets as a relay does.
func (r *room) published() {
	r.Helper()
	r.exec(`UPDATE point_targets SET publish_status = 'PUBLISHED'`)
	r.exec(`UPDATE grant_chunks SET published_at = now() - interval '1 hour'`)
	r.exec(`UPDATE campaign_event_summary SET published_count = (SELECT count(*) FROM point_targets)`)
}

func (r *room) exec(sql string, args ...any) {
	r.Helper()
	_, err := r.pool.Exec(r.Context(), sql, args...)
	require.NoError(r, err)
}

// tx runs f in a transaction that has to commit.
func (r *room) tx(f func(tx pgx.Tx) error) {
	r.Helper()
	require.NoError(r, pg.InTx(r.Context(), r.pool, f))
}

// text is the one text that a query returns.
func (r *room) text(sql string, args ...any) (text string) {
	r.Helper()
	require.NoError(r, r.pool.QueryRow(r.Context(), sql, args...).Scan(&text))
	return text
}

// jobs are the event's relay jobs in the order of their ids, as the tables of the tests write them: "pending first
// 1-4". What is not usual is said too: a try, a partition.
func (r *room) jobs(states ...string) string {
	r.Helper()
	return r.text(`SELECT coalesce(string_agg(concat_ws(' ', state, args->>'mode', nullif(args->>'try', '0'), (args->>'first_id') || '-' || (args->>'last_id'),
			'partition ' || nullif(args->>'partition_key', '0')), ', ' ORDER BY id), '')
		FROM river.river_job WHERE kind = 'relay' AND (args->>'event_id')::bigint = $1 AND (cardinality($2::text[]) = 0 OR state::text = ANY ($2))`,
		r.event, append([]string{}, states...))
}

// job inserts a relay job of the event in a state, available where that is "".
func (r *room) job(c domain.Run, mode Mode, try int, state string) (id int64) {
	r.Helper()
	inserted, err := r.river.Insert(r.Context(), newArgs(c, mode, try), &river.InsertOpts{Queue: Queue, MaxAttempts: maxAttempts})
	require.NoError(r, err)
	if state != "" {
		r.exec(`UPDATE river.river_job SET state = $2::river.river_job_state, finalized_at = CASE WHEN $2 = 'completed' THEN now() END WHERE id = $1`,
			inserted.Job.ID, state)
	}
	return inserted.Job.ID
}

// desk is a room with a Kafka and a relay. Nothing consumes.
type desk struct {
	*room
	brokers []string
	kafka   *Kafka
	relay   *RelayWorker
	log     *logtest.Log
	reports []*Refusal // what the relay was told of each publish
	settles []func()   // what the relay does after a while
	closed  []int64    // the events that the relay has asked to close
}

// setupRelay is a setup with a Kafka. Its topics have two partitions.
func setupRelay(t *testing.T, sizes ...int) *desk {
	t.Helper()
	d := &desk{room: setup(t, sizes...), log: &logtest.Log{}, brokers: kafkatest.Brokers(t)}
	d.open()
	return d
}

// setupKillable is setupRelay with a Kafka of the test's own, which it can end.
func setupKillable(t *testing.T, sizes ...int) (d *desk, end func()) {
	t.Helper()
	server, err := embedkafka.Start(t.Context(), embedkafka.Options{})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	d = &desk{room: setup(t, sizes...), log: &logtest.Log{}, brokers: server.Brokers}
	d.open()
	return d, server.Close
}

// open connects the desk, and makes its topics and its relay.
func (d *desk) open() {
	d.Helper()
	d.connect(func(*KafkaConfig) {})
	require.NoError(d, d.kafka.CheckTopics([]domain.EventType{point, voucher}))
	var err error
	d.relay, err = NewRelayWorker(RelayConfig{
		Pool: d.pool, Kafka: d.kafka, Log: d.logger(),
		Close: func(_ context.Context, id int64) error {
			d.closed = append(d.closed, id)
			return nil
		},
		Report: func(_ string, refused *Refusal) { d.reports = append(d.reports, refused) },
	})
	require.NoError(d, err)
	d.relay.after = func(_ time.Duration, f func()) { d.settles = append(d.settles, f) }
}

// settle lets the while pass after which the relay says that Kafka is back.
func (d *desk) settle() {
	for _, f := range d.settles {
		f()
	}
	d.settles = nil
}

// connect gives the desk a Kafka whose topics no other test has.
func (d *desk) connect(change func(*KafkaConfig)) {
	d.Helper()
	i, err := ReadInstallation(d.Context(), d.pool)
	require.NoError(d, err)
	cfg := KafkaConfig{Brokers: d.brokers, Installation: i, TopicPrefix: kafkatest.Prefix(d), Partitions: 2, Log: d.logger()}
	change(&cfg)
	d.kafka, err = NewKafka(cfg)
	require.NoError(d, err)
	d.Cleanup(func() { require.NoError(d, d.kafka.Close()) })
}

func (d *desk) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(d.log, nil))
}

// logged returns how often the log has a text.
func (d *desk) logged(text string) int { return strings.Count(d.log.String(), text) }

// begin does what River does before it calls a worker: the job runs, in one attempt more.
func begin[A river.JobArgs](r *room, id int64, args A) *river.Job[A] {
	r.Helper()
	r.exec(`UPDATE river.river_job SET state = 'running', attempt = attempt + 1, attempted_at = now() WHERE id = $1`, id)
	row, err := r.river.JobGet(r.Context(), id)
	require.NoError(r, err)
	return &river.Job[A]{JobRow: row, Args: args}
}

// work has the relay work a new job.
func (d *desk) work(run domain.Run, mode Mode, try int) (id int64, err error) {
	d.Helper()
	id = d.job(run, mode, try, "")
	return id, d.workJob(begin(d.room, id, newArgs(run, mode, try)))
}

func (d *desk) workJob(job *river.Job[RelayArgs]) error {
	return d.relay.Work(rivertest.WorkContext(d.Context(), d.river), job)
}

// sent are the messages of a topic, as "1-2 m001 m002": the chunk, then its members, each with its try and its redrive
// where there is one, as in "m001.2" and "m001.2+1".
func (d *desk) sent(topic string) (all []string) {
	d.Helper()
	for _, record := range kafkatest.Messages(d, d.brokers, topic) {
		m, err := decode(record.Value, d.kafka.cfg.Installation)
		require.NoError(d, err)
		text := fmt.Sprintf("%d-%d", m.Chunk.First, m.Chunk.Last)
		for _, g := range m.Grants {
			text += " " + g.MemberID
			if g.Try > 0 {
				text += fmt.Sprintf(".%d", g.Try)
			}
			if g.Redrive > 0 {
				text += fmt.Sprintf("+%d", g.Redrive)
			}
		}
		all = append(all, text)
	}
	return all
}

// marked says what is marked of the event: "targets 4 chunks 2 counted 4".
func (r *room) marked() string {
	r.Helper()
	return r.text(`SELECT format('targets %s chunks %s counted %s',
		(SELECT count(*) FROM point_targets WHERE event_id = $1 AND publish_status = 'PUBLISHED'),
		(SELECT count(*) FROM grant_chunks WHERE event_id = $1 AND published_at IS NOT NULL),
		(SELECT published_count FROM campaign_event_summary WHERE event_id = $1))`, r.event)
}
