package main

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/embedkafka"
	"bestow/internal/proc"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// broker is a Kafka of the test's own, which can be taken away and comes back at the same address with its data.
type broker struct {
	testing.TB
	dir    string
	server *embedkafka.Server
}

// ownBroker gives w a broker of its own.
func (w *world) ownBroker() *broker {
	w.Helper()
	b := &broker{TB: w, dir: w.TempDir()}
	addr, err := proc.FreeAddress(w.Context())
	require.NoError(w, err)
	b.start(addr)
	w.Cleanup(func() { b.server.Close() })
	w.cfg.Brokers = b.server.Brokers
	return b
}

func (b *broker) start(addr string) {
	b.Helper()
	var err error
	b.server, err = embedkafka.Start(context.Background(), embedkafka.Options{Dir: b.dir, Addr: addr})
	require.NoError(b, err)
}

func (b *broker) comeBack() { b.start(b.server.Brokers[0]) }

// lost names what an outage must not cause: results given up or refused, jobs discarded or with an attempt burnt,
// claims that count as not having come back, messages parked.
func (w *world) lost() []string {
	w.Helper()
	const query = `SELECT format('member %s of event %s: %s, %s retries', member_id, event_id, status, retry_count) FROM point_results
			WHERE status IN ('FAILED', 'PERMANENTLY_FAILED') OR retry_count > 0
		UNION ALL SELECT format('event %s: %s failed', event_id, fail_count) FROM campaign_event_summary WHERE fail_count > 0
		UNION ALL SELECT format('job %s: %s, attempt %s, %s', id, state, attempt, errors) FROM river.river_job
			WHERE state = 'discarded' OR kind = 'relay' AND (attempt > 1 OR cardinality(errors) > 0)
		UNION ALL SELECT format('chunk %s of event %s: %s attempts', first_id, event_id, attempts) FROM grant_chunks WHERE attempts > 1
		UNION ALL SELECT format('message %s/%s/%s is parked', topic, kafka_partition, kafka_offset) FROM parked_messages`
	rows, err := w.pool.Query(w.Context(), query)
	require.NoError(w, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(w, err)
	return all
}

// While Kafka is away its jobs sleep: none is discarded, none burns an attempt, and when it is back all is published
// (F30). The log says so in a few lines.
func TestKafkaAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kafka, log := w.ownBroker(), w.listen()
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	<-p.Router.Running()
	e := w.event(p, "POINT", 2_000)
	before := len(log.shown())
	kafka.server.Close()
	w.run(p, e)
	const awake = `SELECT count(*) FROM river.river_job WHERE kind = 'relay' AND coalesce((metadata->>'snoozes')::int, 0) = 0`
	require.Eventually(t, func() bool { return w.count(awake) == 0 }, time.Minute, 50*time.Millisecond,
		"each found Kafka away")
	require.Empty(t, w.lost())
	require.Zero(t, w.count(`SELECT published_count FROM campaign_event_summary`))
	kafka.comeBack()
	w.exact(p, w.completed(p, e.ID))
	require.Empty(t, w.lost())
	require.Equal(t, 1, log.told("INFO bestow starts"))
	require.Equal(t, 1, log.told("INFO event is started"))
	require.Eventually(t, func() bool { return log.told("INFO event is completed") == 1 }, time.Minute, 50*time.Millisecond)
	const topics = 4 // each has a consumer, which says that Kafka is away
	for text, times := range log.texts(before) {
		require.LessOrEqual(t, times, 2*topics, "%s: it was a line for each try\n%s", text, log)
	}
}

// A server that goes away after a process has connected, and before it is at work, does not end the process.
func TestServersGoWhileAProcessBegins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kafka := w.ownBroker()
	log := newLines()
	w.log = slog.New(log)
	database := w.proxied()
	looks := 0
	with := daemon.Overrides{Now: func() time.Time {
		if looks++; looks == 2 { // the clock is right, and River begins next
			database.Stop()
		}
		return time.Now()
	}}
	p := w.process(t.Context(), with, daemon.AllRoles...)
	kafka.server.Close()
	w.launch(t.Context(), p)
	require.Eventually(t, func() bool {
		return log.count("WARN no jobs are worked yet") > 0 && log.count("WARN nothing is consumed yet") > 0
	}, time.Minute, 50*time.Millisecond)
	require.NoError(t, database.Start())
	kafka.comeBack()
	p.Pool.Reset() // the test's own calls are not tried again
	e := w.event(p, "POINT", 300)
	w.run(p, e)
	w.exact(p, w.completed(p, e.ID))
}

// proxied puts a proxy between the processes that are made from now on and PostgreSQL.
func (w *world) proxied() *toxiproxy.Proxy {
	w.Helper()
	at, err := url.Parse(w.cfg.DatabaseURL)
	require.NoError(w, err)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "postgresql", "127.0.0.1:0", at.Host)
	require.NoError(w, proxy.Start())
	w.Cleanup(proxy.Stop)
	at.Host = proxy.Listen
	w.cfg.DatabaseURL = at.String()
	return proxy
}

// A type that is added while Kafka is away is consumed when it is back; the process lives on meanwhile.
func TestTypeAddedWhileKafkaIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kafka := w.ownBroker()
	log := newLines()
	w.log = slog.New(log)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	<-p.Router.Running()
	kafka.server.Close()
	w.exec(`INSERT INTO event_types (code, label, granter, operation, topic) VALUES ('COFFEE', 'Coffee', 'money', 'points', 'coffee');
		SELECT create_event_type_tables('COFFEE', 'points'); UPDATE event_types SET state = 'READY' WHERE code = 'COFFEE'`)
	require.Eventually(t, func() bool { return log.count("WARN new topics cannot be consumed yet") > 0 }, time.Minute,
		50*time.Millisecond)
	kafka.comeBack()
	e := w.event(p, "COFFEE", 300)
	w.run(p, e)
	w.exact(p, w.completed(p, e.ID))
}

// The ledger goes away in the middle of one event, then Kafka at the start of another: nothing is given up, discarded
// or counted as an attempt, and both complete within 90 s of the return. BESTOW_OUTAGE is for how long each is away;
// with it set 200,000 members are granted.
func TestOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	members, away := 4_000, 3*time.Second
	if long := os.Getenv("BESTOW_OUTAGE"); long != "" {
		var err error
		away, err = time.ParseDuration(long)
		require.NoError(t, err)
		members, w.cfg.MessageTargets = 200_000, 1000
	}
	kafka := w.ownBroker()
	var ledger outage
	ledger.last.Store(5)
	p, _ := w.start(t.Context(), ledger.overrides(), daemon.AllRoles...)
	<-p.Router.Running()
	one, other := w.event(p, "POINT", members/2), w.event(p, "POINT", members/2)

	w.run(p, one)
	require.Eventually(t, func() bool { return p.Granter.Away(one) != nil }, time.Minute, 5*time.Millisecond)
	require.Never(t, func() bool { return len(w.lost()) > 0 }, away, 500*time.Millisecond)
	granted := w.count(`SELECT sum(success_count) FROM campaign_event_summary`)
	require.Positive(t, granted)
	require.Less(t, granted, members/2)
	ledger.how.Store(present)

	kafka.server.Close()
	w.run(p, other)
	require.Never(t, func() bool { return len(w.lost()) > 0 }, away, 500*time.Millisecond)
	require.Zero(t, w.count(`SELECT published_count FROM campaign_event_summary WHERE event_id = $1`, other.ID))
	kafka.comeBack()
	back := time.Now()
	for _, e := range []domain.Event{one, other} {
		w.exact(p, w.completed(p, e.ID))
	}
	require.Less(t, time.Since(back), 90*time.Second)
	t.Logf("complete %s after the return", time.Since(back).Round(time.Second))
	require.Empty(t, w.lost())
	require.Zero(t, w.count(`SELECT sum(attempts) FROM grant_chunks`))
	require.Equal(t, members, w.count(`SELECT count(*) FROM money.point_member`))
}
