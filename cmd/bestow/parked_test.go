package main

import (
	"context"
	"testing"
	"time"

	"bestow/app/parked"
	"bestow/cmd/bestow/daemon"
	"bestow/internal/kafkatest"

	"github.com/stretchr/testify/require"
)

func (w *world) replay(p *daemon.Process) {
	w.Helper()
	open := false
	list, err := p.App.Parked.List(w.Context(), parked.Filter{Replayed: &open, Limit: 100})
	require.NoError(w, err)
	for _, m := range list {
		r, err := p.App.Parked.Replay(w.Context(), operator, m.ID)
		require.NoError(w, err)
		require.True(w, r.Value.Fresh)
	}
}

func (w *world) parked(where string, n int) {
	w.Helper()
	require.Eventually(w, func() bool { return w.count(`SELECT count(*) FROM parked_messages WHERE `+where) == n },
		time.Minute, 20*time.Millisecond, where)
}

// What is still bad after a replay goes back to its own row, however often its copies come; what was published again is
// byte for byte what it was, and only a relay publishes it.
func TestReplayOfWhatIsStillBad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleHandler, daemon.RoleJobs,
		daemon.RoleMoney)
	topic := w.cfg.TopicPrefix + ".point"
	bad := map[string]bool{"rubbish \x00\xff": true, `{"type":"bestow.grants.v2","data":7}`: true, "": true}
	for body := range bad {
		kafkatest.Produce(t, w.cfg.Brokers, topic, 0, []byte(body))
	}
	kafkatest.Send(t, w.cfg.Brokers, topic, kafkatest.Message{Value: nil}) // no value at all
	w.parked("true", 4)
	before := w.endOffsets([]string{".point"})
	w.replay(p)
	w.parked("replayed_at IS NOT NULL", 4)
	require.Equal(t, 4, w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'replay' AND state = 'available'`),
		"the jobs wait for a relay")
	require.Equal(t, before, w.endOffsets([]string{".point"}))

	_, stopRelay := w.start(t.Context(), daemon.Overrides{}, daemon.RoleRelay)
	w.parked("replayed_at IS NULL", 4)
	require.Eventually(t, func() bool {
		return w.count(`SELECT count(*) FROM river.river_job WHERE kind = 'replay' AND state = 'completed'`) == 4
	},
		time.Minute, 20*time.Millisecond)
	stopRelay()
	sent := kafkatest.Messages(t, w.cfg.Brokers, topic)
	require.Len(t, sent, 8)
	copies := sent[4:]
	for _, c := range copies {
		require.Equal(t, int32(0), c.Partition)
		require.True(t, bad[string(c.Value)], "%q", c.Value)
	}

	// A copy delivered again, and a stranger's message under a copy's header. Behind them a message of which one sees
	// that they were handled.
	w.replay(p)
	kafkatest.Send(t, w.cfg.Brokers, topic, copies...)
	forged := copies[0]
	forged.Value = []byte("forged")
	kafkatest.Send(t, w.cfg.Brokers, topic, forged)
	w.parked("true", 5)
	require.Equal(t, 4, w.count(`SELECT count(*) FROM parked_messages WHERE replayed_at IS NOT NULL`),
		"a late copy does not end the new replay")
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleRelay)
	w.parked("replayed_at IS NULL", 5)
	require.Equal(t, 5, w.count(`SELECT count(*) FROM parked_messages`))
}

// What an older version has parked is understood after the upgrade: its replay grants what it says, once.
func TestReplayAfterTheUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	e := w.event(p, "POINT", 150)
	later := func(when string) {
		_, err := w.pool.Exec(context.Background(),
			`UPDATE river.river_job SET state = 'scheduled', scheduled_at = now() + $1::interval WHERE kind = 'relay'`,
			when)
		require.NoError(t, err)
	}
	later("1 hour") // the relay's own jobs do not help
	w.run(p, e)
	later("1 hour")
	bodies := w.capture(e)
	for i, body := range bodies {
		_, err := w.pool.Exec(t.Context(),
			`INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload)
			VALUES ('newer_version', 'was newer', $1, $2, $3, $4)`, w.cfg.TopicPrefix+".point", 100, 1000+i,
			[]byte(body))
		require.NoError(t, err)
	}
	_, err := w.pool.Exec(t.Context(), `UPDATE parked_messages SET digest = -- as the migration does at an upgrade
		sha256(convert_to(ROW(topic, kafka_partition, kafka_offset, encode(payload, 'hex'))::text, 'UTF8'))`)
	require.NoError(t, err)
	w.replay(p)
	require.Eventually(t, func() bool { return w.count(`SELECT success_count FROM campaign_event_summary`) == 150 },
		time.Minute, 20*time.Millisecond)
	require.Equal(t, len(bodies), w.count(`SELECT count(*) FROM parked_messages WHERE replayed_at IS NOT NULL`))
	later("0 seconds")
	w.exact(p, w.completed(p, e.ID))
	require.Equal(t, 150, w.count(`SELECT count(*) FROM money.point_member`))
}
