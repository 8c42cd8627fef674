package main

import (
	"testing"
	"time"

	"bestow/app/processes"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/kafkatest"

	"github.com/stretchr/testify/require"
)

// C13: a topic that somebody else made takes no message. Its events say `blocked: …` with what to do, the log tells it
// once, events of other types go on, and what was blocked goes on by itself when the topic is right.
func TestTopicsThatTakeNoMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ setting, wrong, right string }{
		"compacted":             {"cleanup.policy", "compact", "delete"},
		"compacted and deleted": {"cleanup.policy", "compact,delete", "delete"},
		"messages too large":    {"max.message.bytes", "2000", "1048588"},
		"too few replicas":      {"min.insync.replicas", "2", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStill(t)
			topic := s.cfg.TopicPrefix + ".point"
			kafkatest.CreateTopicWith(t, s.cfg.Brokers, topic, 4, map[string]string{c.setting: c.wrong})
			s.role(daemon.Overrides{}, daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs)
			points, vouchers := s.event(s.api, "POINT", 300), s.event(s.api, "VOUCHER", 300)
			s.run(s.api, points)
			text := s.waits(points, processes.KafkaRefuses)
			require.Contains(t, text, "blocked: topic "+topic)
			require.Contains(t, text, c.setting)
			s.run(s.api, vouchers)
			s.exact(s.api, s.completed(s.api, vouchers.ID))
			s.waits(points, processes.KafkaRefuses)
			require.Equal(t, 1, s.log.count("WARN kafka does not take messages"))

			kafkatest.Set(t, s.cfg.Brokers, topic, map[string]string{c.setting: c.right})
			s.exact(s.api, s.completed(s.api, points.ID))
			require.Equal(t, 1, s.log.count("WARN kafka does not take messages"))
			for _, end := range []string{"INFO a topic is as it should be again", "INFO kafka takes messages again"} {
				require.Eventually(t, func() bool { return s.log.count(end) == 1 }, time.Minute, 50*time.Millisecond, end)
			}
		})
	}
}

// What may do harm and takes messages is told once, and keeps no event from completing.
func TestTopicsThatMayDoHarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	log := w.listen()
	kafkatest.CreateTopicWith(t, w.cfg.Brokers, w.cfg.TopicPrefix+".point", 4,
		map[string]string{"retention.ms": "60000", "max.message.bytes": "100000"})
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	e := w.event(p, "POINT", 300)
	w.run(p, e)
	w.exact(p, w.completed(p, e.ID))
	require.NoError(t, p.Kafka.CheckTopics([]domain.EventType{e.Type}))
	require.Equal(t, 2, log.count("WARN a topic is set in a way that may do harm"))
}

// C14: a topic that grows in mid-run is read and written in full within 30 s, retries too.
func TestATopicGrows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Partitions = 2
	p, _ := w.start(t.Context(), w.told(func(m string, nth int) (domain.Verdict, bool) {
		if digit(m) == '3' && nth == 1 {
			return domain.RefusedForNow, false
		}
		return domain.Granted, true
	}), daemon.AllRoles...)
	eight := 8
	first := w.eventIn(p, "POINT", 1_600, &eight)
	w.run(p, first)
	w.exact(p, w.completed(p, first.ID))
	for _, suffix := range []string{".point", ".point.dlt"} {
		kafkatest.Grow(t, w.cfg.Brokers, w.cfg.TopicPrefix+suffix, 8)
	}
	grown := time.Now()
	require.Eventually(t, func() bool { return p.Router.Assigned(first.Type) == 8 }, 30*time.Second,
		50*time.Millisecond)
	t.Logf("all partitions are read %s after the topic grew", time.Since(grown).Round(100*time.Millisecond))
	// Who writes hears of the partitions by itself, and later than who reads.
	var ends map[string]map[int32]int64
	for written := 0; written < 8; {
		require.Less(t, time.Since(grown), time.Minute, "written are %v", ends[".point"])
		e := w.eventIn(p, "POINT", 1_600, &eight)
		w.run(p, e)
		w.exact(p, w.completed(p, e.ID))
		ends, written = w.endOffsets([]string{".point", ".point.dlt"}), 0
		for _, end := range ends[".point"] {
			if end > 0 {
				written++
			}
		}
	}
	require.Len(t, ends[".point"], 8)
	require.Len(t, ends[".point.dlt"], 8)
	require.Zero(t, w.count(`SELECT sum(reconciled) FROM grant_chunks`), "nothing had to be published again")
}

// A chunk in a partition that the topic has got meanwhile counts as any other: its consumer's lag is no loss, and what
// Kafka lost of it is published again. The process that reconciles has not heard of the partition before.
func TestReconcileOfANewPartition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Partitions = 2
	one := 1
	p, stop := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	for range 2 { // the group has passed both partitions
		e := w.eventIn(p, "POINT", 100, &one)
		w.run(p, e)
		w.completed(p, e.ID)
	}
	w.passed(".point")
	stop()
	// it does not run, so it looks at no topic by itself
	q := w.process(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleJobs)
	t.Cleanup(q.Close)
	q.Sweeper.Patience = time.Nanosecond
	_, err := q.Sweeper.Reconcile(t.Context())
	require.NoError(t, err)
	topic := w.cfg.TopicPrefix + ".point"
	kafkatest.Grow(t, w.cfg.Brokers, topic, 8)

	_, stopRelay := w.start(t.Context(), daemon.Overrides{}, daemon.RoleRelay)
	e := w.eventIn(q, "POINT", 100, &one)
	for e.ID%8 < 2 { // until one is published into a new partition
		e = w.eventIn(q, "POINT", 100, &one)
	}
	w.run(q, e)
	require.Eventually(t, func() bool {
		return w.count(`SELECT published_count FROM campaign_event_summary WHERE event_id = $1`, e.ID) == 100
	}, time.Minute, 20*time.Millisecond)
	stopRelay()
	for range 3 {
		n, err := q.Sweeper.Reconcile(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "nobody has read the new partition yet: a lag is no loss")
	}
	partition := int32(e.ID % 8)
	kafkatest.DeleteRecords(t, w.cfg.Brokers, topic, partition,
		kafkatest.EndOffsets(t, w.cfg.Brokers, topic)[partition])
	n, err := q.Sweeper.Reconcile(t.Context())
	require.NoError(t, err)
	require.Equal(t, w.count(`SELECT count(*) FROM grant_chunks WHERE event_id = $1`, e.ID), n)
	p, _ = w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	w.exact(p, w.completed(p, e.ID))
}

// Topics are deleted in mid-run, and made anew with fewer partitions, or by the processes themselves where nobody does
// it: what is started afterwards completes.
func TestTopicsDeletedInMidRun(t *testing.T) {
	t.Parallel()
	for name, partitions := range map[string]int32{"made anew with fewer partitions": 1, "made anew by nobody": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
			p.Sweeper.Patience = time.Second
			first := w.event(p, "POINT", 2_000)
			w.run(p, first)
			w.exact(p, w.completed(p, first.ID))
			for _, suffix := range []string{".point", ".point.dlt"} {
				kafkatest.DeleteTopic(t, w.cfg.Brokers, w.cfg.TopicPrefix+suffix)
				if partitions > 0 {
					kafkatest.CreateTopicWith(t, w.cfg.Brokers, w.cfg.TopicPrefix+suffix, partitions, nil)
				}
			}
			second := w.event(p, "POINT", 2_000)
			w.run(p, second)
			began := time.Now()
			w.exact(p, w.completed(p, second.ID))
			t.Logf("complete %s after the deletion", time.Since(began).Round(time.Second))
		})
	}
}

// A broker that makes no topic as it is asked for blocks the events of that topic, and nothing else: the process
// starts, and when somebody has made the topic it goes on.
func TestATopicThatCannotBeMade(t *testing.T) {
	t.Parallel()
	s := newStill(t)
	for _, suffix := range []string{".voucher", ".voucher.dlt"} {
		kafkatest.CreateTopic(t, s.cfg.Brokers, s.cfg.TopicPrefix+suffix, 2)
	}
	s.cfg.Replication = 3 // of one broker
	s.role(daemon.Overrides{}, daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs)
	points, vouchers := s.event(s.api, "POINT", 300), s.event(s.api, "VOUCHER", 300)
	s.run(s.api, points)
	require.Contains(t, s.waits(points, processes.KafkaRefuses), "does not exist and cannot be made")
	s.run(s.api, vouchers)
	s.exact(s.api, s.completed(s.api, vouchers.ID))
	for _, suffix := range []string{".point", ".point.dlt"} {
		kafkatest.CreateTopic(t, s.cfg.Brokers, s.cfg.TopicPrefix+suffix, 2)
	}
	s.exact(s.api, s.completed(s.api, points.ID))
}
