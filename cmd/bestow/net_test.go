package main

import (
	"context"
	"sync"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/grants"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/kafkatest"

	"github.com/stretchr/testify/require"
)

// A running event whose jobs are gone gets new ones, once (F4).
func TestSweepFindsWhatNoJobWouldPublish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, stop := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleJobs)
	e := w.event(p, "POINT", 1_000)
	w.run(p, e)
	chunks := w.count(`SELECT count(*) FROM grant_chunks`)
	n, err := p.Sweeper.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "every chunk has its job")
	w.exec(`DELETE FROM river.river_job WHERE kind = 'relay' AND id % 2 = 0`)
	n, err = p.Sweeper.Sweep(t.Context())
	require.NoError(t, err)
	require.Positive(t, n)
	require.Less(t, n, chunks)
	n, err = p.Sweeper.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "asked again, nothing is left to do")
	for _, never := range []string{
		`state = 'pending'`, `queue = 'elsewhere'`,
		`state = 'scheduled', scheduled_at = now() + interval '1 year'`,
	} {
		w.exec(`UPDATE river.river_job SET ` + never + ` WHERE kind = 'relay'`)
		n, err = p.Sweeper.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, chunks, n, never)
	}
	stop()
	p, _ = w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	w.exact(p, w.completed(p, e.ID))
}

// Kafka loses what it acknowledged: everybody is still granted (F9, F10). A consumer that merely lags is not answered
// with more messages (F41).
func TestReconcileAfterKafkaLostRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, stop := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleJobs)
	p.Sweeper.Patience = time.Nanosecond
	e := w.event(p, "POINT", 800)
	w.run(p, e)
	require.Eventually(t, func() bool { return w.count(`SELECT published_count FROM campaign_event_summary`) == 800 },
		time.Minute, 20*time.Millisecond)
	topic := w.cfg.TopicPrefix + ".point"
	for range 3 {
		n, err := p.Sweeper.Reconcile(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "the group has read nothing yet: a lag is no loss")
	}
	for partition, end := range kafkatest.EndOffsets(t, w.cfg.Brokers, topic) {
		if end > 0 {
			kafkatest.DeleteRecords(t, w.cfg.Brokers, topic, partition, end)
		}
	}
	n, err := p.Sweeper.Reconcile(t.Context())
	require.NoError(t, err)
	require.Equal(t, w.count(`SELECT count(*) FROM grant_chunks`), n)
	n, err = p.Sweeper.Reconcile(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "their jobs wait")
	stop()
	p, _ = w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	w.exact(p, w.completed(p, e.ID))
}

// killer dies whenever one member is asked for.
type killer struct {
	grants.Granter
	member string
}

func (k killer) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	for _, g := range batch {
		if g.MemberID == k.member {
			//nolint:forbidigo // stands for the death of the process: nothing is given back
			panic("killed by " + k.member)
		}
	}
	return k.Granter.Grant(ctx, e, deadline, batch)
}

// A member that kills whoever asks for it: all others are granted, and it is refused, not asked for ever (F20).
func TestAMemberThatKills(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	with := daemon.Overrides{
		Granter: func(g grants.Granter) grants.Granter { return killer{g, "m0000007"} },
		Limits: func(l *app.Limits) {
			l.Retry = domain.RetryPolicy{Limit: 0, Backoff: 100 * time.Millisecond}
			l.ClaimLease, l.GrantBudget = 600*time.Millisecond, 300*time.Millisecond
		},
	}
	p, _ := w.start(t.Context(), with, daemon.AllRoles...)
	e := w.event(p, "POINT", 200)
	w.run(p, e)
	done := w.completed(p, e.ID)
	require.Equal(t, 199, done.Summary.Success)
	require.Equal(t, 1, done.Summary.Fail)
	require.Equal(t, 1,
		w.count(`SELECT count(*) FROM point_results WHERE member_id = 'm0000007' AND error_code = 'process_died' AND status = 'PERMANENTLY_FAILED'`))
	require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
	w.verified(p)
}

// overtaken settles one member for somebody else while another member of its chunk is asked for.
type overtaken struct {
	grants.Granter
	w      *world
	once   sync.Once
	member string
}

func (o *overtaken) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	outcomes, err := o.Granter.Grant(ctx, e, deadline, batch)
	const before = `SELECT count(*) FROM point_targets a JOIN point_targets b USING (event_id, partition_key)
		WHERE a.member_id = $1 AND b.member_id = $2 AND a.id < b.id`
	if err != nil || o.w.count(before, batch[0].MemberID, o.member) == 0 {
		return outcomes, err
	}
	o.once.Do(func() {
		late, lateErr := o.Granter.Grant(ctx, e, deadline,
			[]domain.Grant{{MemberID: o.member, Amount: 100, Reason: e.DefaultReason}})
		if err = lateErr; err != nil {
			return
		}
		o.w.exec(`INSERT INTO point_results (event_id, member_id, amount, status, money_tx_id) VALUES ($1, $2, 100, 'SUCCESS', $3)`, e.ID, o.member, late[0].TxID)
		o.w.exec(`UPDATE grant_chunks c SET settled_count = settled_count + 1 FROM point_targets t
			WHERE t.member_id = $1 AND c.partition_key = t.partition_key AND t.id BETWEEN c.first_id AND c.last_id`,
			o.member)
		o.w.exec(`UPDATE campaign_event_summary SET success_count = success_count + 1`)
	})
	return outcomes, err
}

// A chunk is worked one member at a time while a claim that ran out settles one of its members late: what is settled is
// not marked as asked for, or it would be counted twice.
func TestIsolatedMemberSettledMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	with := daemon.Overrides{
		Granter: func(g grants.Granter) grants.Granter { return &overtaken{Granter: g, w: w, member: "m0000105"} },
		Limits:  func(l *app.Limits) { l.MessageTargets = 1000 },
	}
	p, _ := w.start(t.Context(), with, daemon.AllRoles...)
	e := w.event(p, "POINT", 120)
	w.exec(`UPDATE grant_chunks SET attempts = 10`)
	w.run(p, e)
	w.exact(p, w.completed(p, e.ID))
}

func (w *world) exec(query string, args ...any) {
	w.Helper()
	_, err := w.pool.Exec(w.Context(), query, args...)
	require.NoError(w, err)
}
