package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/upkeep"
	"bestow/domain"
	"bestow/internal/kafkatest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// neighbours are two installations with the same topics, in which the same event ids mean different events.
func neighbours(t *testing.T) (one, other *world) {
	t.Helper()
	one, other = newWorld(t), newWorld(t)
	other.cfg.TopicPrefix = one.cfg.TopicPrefix
	other.exec(`UPDATE installation SET id = gen_random_uuid()`) // worlds are copies of one database
	require.NotEqual(t, one.installation(), other.installation())
	return one, other
}

// C12: two databases, one broker, default names. Both complete exactly, retries through the dead-letter topics too;
// nothing is parked, what belongs to the other is counted, and each process tells once of each topic.
func TestTwoInstallationsInOneTopic(t *testing.T) {
	t.Parallel()
	one, other := neighbours(t)
	log := newLines()
	one.log = slog.New(log)
	refusedOnce := func(member string, nth int) (domain.Verdict, bool) {
		if digit(member) == '3' && nth == 1 {
			return domain.RefusedForNow, false
		}
		return domain.Granted, true
	}
	p, _ := one.start(t.Context(), one.told(refusedOnce), daemon.AllRoles...)
	q, _ := other.start(t.Context(), other.told(refusedOnce), daemon.AllRoles...)
	e, f := one.event(p, "POINT", 2_000), other.event(q, "POINT", 1_500)
	require.Equal(t, e.ID, f.ID, "the ids of one are the ids of the other")
	one.run(p, e)
	other.run(q, f)
	one.exact(p, one.completed(p, e.ID))
	other.exact(q, other.completed(q, f.ID))
	for _, w := range []*world{one, other} {
		require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
	}
	require.Eventually(t, func() bool { return len(p.Router.Skipped()) == 2 }, time.Minute, 20*time.Millisecond)
	for _, s := range p.Router.Skipped() {
		require.Equal(t, other.installation(), s.Installation)
		require.Positive(t, s.Messages)
	}
	require.Equal(t, 2, log.count("WARN messages of another installation are skipped"),
		"once a topic, not once a message")
}

// A message of before installations had ids is ours where there were events then, and another's where there were none.
func TestMessagesWithoutAnInstallation(t *testing.T) {
	t.Parallel()
	for _, ours := range []bool{true, false} {
		w := newWorld(t)
		w.exec(`UPDATE installation SET unnamed_are_ours = $1`, ours)
		p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleHandler, daemon.RoleJobs)
		e := w.event(p, "POINT", 150)
		w.run(p, e)
		for _, body := range w.capture(e) {
			body = strings.Replace(body, `"/bestow/`+w.installation()+`"`, `"/bestow/relay"`, 1)
			kafkatest.Produce(t, w.cfg.Brokers, w.cfg.TopicPrefix+".point", 0, []byte(body))
		}
		if ours {
			require.Eventually(t, func() bool {
				return w.count(`SELECT success_count FROM campaign_event_summary`) == 150
			}, time.Minute, 20*time.Millisecond)
			continue
		}
		require.Eventually(t, func() bool { return len(p.Router.Skipped()) == 1 }, time.Minute, 20*time.Millisecond)
		require.Equal(t, "unnamed", p.Router.Skipped()[0].Installation)
		require.Zero(t, w.count(`SELECT count(*) FROM point_results`)+w.count(`SELECT count(*) FROM parked_messages`))
	}
}

// After an upgrade the group goes on where the group of before stood, so that nothing is read twice; a new installation
// takes over nothing.
func TestAnUpgradeTakesOverTheOffsets(t *testing.T) {
	t.Parallel()
	for _, upgraded := range []bool{true, false} {
		w := newWorld(t)
		w.exec(`UPDATE installation SET unnamed_are_ours = $1`, upgraded)
		topic := w.cfg.TopicPrefix + ".point"
		kafkatest.CreateTopic(t, w.cfg.Brokers, topic, 2)
		for range 3 { // in the times of the version before
			kafkatest.Produce(t, w.cfg.Brokers, topic, 1, []byte("handled before"))
		}
		kafkatest.Commit(t, w.cfg.Brokers, "bestow."+topic, topic, map[int32]int64{1: 3})
		kafkatest.Produce(t, w.cfg.Brokers, topic, 1, []byte("left over"))
		kafkatest.Produce(t, w.cfg.Brokers, topic, 0, []byte("left over"))
		p, stop := w.start(t.Context(), daemon.Overrides{}, daemon.RoleHandler)
		<-p.Router.Running()
		w.parked(`convert_from(payload, 'UTF8') = 'left over'`, 2)
		before := 3
		if upgraded {
			before = 0
		}
		require.Equal(t, before,
			w.count(`SELECT count(*) FROM parked_messages WHERE convert_from(payload, 'UTF8') = 'handled before'`))

		// The second start reads on from its own group, whatever the group of before says by then.
		w.passed(".point")
		stop()
		kafkatest.Commit(t, w.cfg.Brokers, "bestow."+topic, topic, map[int32]int64{0: 0, 1: 0})
		kafkatest.Produce(t, w.cfg.Brokers, topic, 1, []byte("new"))
		w.exec(`TRUNCATE parked_messages`)
		w.start(t.Context(), daemon.Overrides{}, daemon.RoleHandler)
		w.parked(`true`, 1)
	}
}

// A parked message that belongs to another installation by now goes back to its row when it is replayed.
func TestReplayOfAnotherInstallationsMessage(t *testing.T) {
	t.Parallel()
	one, other := neighbours(t)
	p, _ := one.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	q, _ := other.start(t.Context(), daemon.Overrides{}, daemon.RoleHandler)
	body := `{"source":"/bestow/aaaaaaaa-0000-4000-8000-000000000000","type":"bestow.grants.v1"}`
	_, err := one.pool.Exec(t.Context(),
		`INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload)
		VALUES ('newer_version', 'was newer', $1, 0, 1000, $2)`, one.cfg.TopicPrefix+".point", []byte(body))
	require.NoError(t, err)
	one.replay(p)
	one.parked(`replayed_at IS NULL AND cause = 'foreign' AND detail LIKE '%of installation aaaaaaaa-%'`, 1)
	require.Eventually(t, func() bool { return len(q.Router.Skipped()) == 1 }, time.Minute, 20*time.Millisecond)
	require.Zero(t, other.count(`SELECT count(*) FROM parked_messages`), "the neighbour has no part in it")
}

// A message stands in exactly the topic of its type, or it is parked: another type's topic may end with the same name.
func TestAMessageInATopicThatEndsLikeIts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`INSERT INTO event_types (code, label, granter, operation, topic) VALUES ('GIFT', 'Gift', 'money', 'points', 'gift.point');
		SELECT create_event_type_tables('GIFT', 'points'); UPDATE event_types SET state = 'READY' WHERE code = 'GIFT'`)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleHandler, daemon.RoleJobs)
	e := w.event(p, "POINT", 150)
	w.run(p, e)
	for _, suffix := range []string{"", ".dlt"} {
		kafkatest.Produce(t, w.cfg.Brokers, w.cfg.TopicPrefix+".gift.point"+suffix, 0, []byte(w.capture(e)[0]))
	}
	w.parked(`cause = 'foreign' AND detail LIKE '%type POINT and stands on topic %'`, 2)
	require.Zero(t, w.count(`SELECT count(*) FROM point_results`))
}

// A copied database gets an id of its own, when no process of it runs; what was published under the id of before, and
// not granted yet, is published again.
func TestNewInstallation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.installation()
	p, stop := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay)
	e := w.event(p, "POINT", 300)
	w.run(p, e)
	require.Eventually(t, func() bool { return w.count(`SELECT published_count FROM campaign_event_summary`) == 300 },
		time.Minute, 20*time.Millisecond)

	require.ErrorContains(t, w.renew(), "stop all of them first")
	require.Equal(t, before, w.installation())
	stop()
	w.exec(`INSERT INTO processes (id, roles, version, host, pid) VALUES (gen_random_uuid(), '{api}', 'x', 'x', 1)`)
	w.pool.Close()
	require.Eventually(t, func() bool { // PostgreSQL lists a session that was closed for a moment
		return strings.Contains(w.renew().Error(), "seen within 30 s: 1; open connections: 0")
	}, time.Minute, 50*time.Millisecond, "its connections have a name of their own")
	conn, err := pgx.Connect(t.Context(), w.cfg.DatabaseURL)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `DELETE FROM processes`)
	require.NoError(t, errors.Join(err, conn.Close(t.Context())))
	require.NoError(t, w.renew())
	w.pool, err = daemon.OpenPool(t.Context(), w.cfg)
	require.NoError(t, err)
	t.Cleanup(w.pool.Close)
	require.NotEqual(t, before, w.installation())

	p, _ = w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	p.Sweeper.Patience = time.Nanosecond
	require.Eventually(t, func() bool {
		_, err := p.Sweeper.Reconcile(t.Context())
		return err == nil && w.count(`SELECT success_count FROM campaign_event_summary`) == 300
	}, time.Minute, 100*time.Millisecond)
	w.exact(p, w.completed(p, e.ID))
	require.Positive(t, p.Router.Skipped()[0].Messages)
	require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
}

// renew returns what `bestow installation new` does, from a connection of its own.
func (w *world) renew() error {
	w.Helper()
	conn, err := pgx.Connect(w.Context(), w.cfg.DatabaseURL)
	require.NoError(w, err)
	defer func() { _ = conn.Close(w.Context()) }()
	return pgx.BeginFunc(w.Context(), conn, func(tx pgx.Tx) error {
		_, err := upkeep.RenewInstallation(w.Context(), tx)
		return err
	})
}
