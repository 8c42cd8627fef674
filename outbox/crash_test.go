//go:build failpoint

package outbox

import (
	"context"
	"errors"
	"testing"
	"time"

	"bestow/internal/failpoint"
	"bestow/internal/kafkatest"
	"bestow/internal/pg"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertest"
	"github.com/stretchr/testify/require"
)

var errDied = errors.New("died")

// dying returns a context in which a step dies at a point, once.
func dying(ctx context.Context, at string) context.Context {
	died := false
	return failpoint.With(ctx, func(point string) error {
		if point != at || died {
			return nil
		}
		died = true
		return errDied
	})
}

// Wherever a relay dies, nothing of its job is marked that Kafka does not have, and the next attempt publishes what is left:
// each chunk is published at least once, and counted once.
func TestARelayJobDiesAtEveryPoint(t *testing.T) {
	t.Parallel()
	for at, c := range map[string]struct {
		sent   int    // messages in Kafka by then
		marked string // by then
	}{
		failpoint.RelayRead:         {0, "targets 0 chunks 0 counted 0"},
		failpoint.RelayAfterAck:     {3, "targets 0 chunks 0 counted 0"},
		failpoint.RelayBeforeCommit: {3, "targets 0 chunks 0 counted 0"},
		failpoint.RelayAfterCommit:  {3, "targets 3 chunks 3 counted 3"},
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			d := setupRelay(t, 1, 1, 1)
			d.exec(`UPDATE campaign_event_summary SET success_count = 3`)
			id := d.job(d.all(), First, 0, "")
			ctx := dying(rivertest.WorkContext(t.Context(), d.river), at)
			require.ErrorIs(t, d.relay.Work(ctx, begin(d.room, id, newArgs(d.all(), First, 0))), errDied)
			require.Len(t, d.sent(d.kafka.Topic(point)), c.sent)
			require.Equal(t, c.marked, d.marked())
			require.Empty(t, d.closed)
			if at == failpoint.RelayAfterCommit {
				require.Equal(t, "completed first 1-3", d.jobs(), "the timetable closes the event")
				return
			}
			require.Equal(t, "running first 1-3", d.jobs())
			require.NoError(t, d.workJob(begin(d.room, id, newArgs(d.all(), First, 0))))
			require.Len(t, d.sent(d.kafka.Topic(point)), c.sent+3)
			require.Equal(t, "targets 3 chunks 3 counted 3", d.marked())
			require.Equal(t, []int64{d.event}, d.closed)
		})
	}
}

// A Kafka that takes no more after the first message stands for a relay that dies between two: the first is marked.
func TestARelayJobDiesBetweenMessages(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1, 1, 1)
	id := d.job(d.all(), First, 0, "")
	ctx := dying(rivertest.WorkContext(t.Context(), d.river), failpoint.RelayBetween)
	require.NoError(t, d.relay.Work(ctx, begin(d.room, id, newArgs(d.all(), First, 0))))
	require.Equal(t, "targets 1 chunks 1 counted 1", d.marked())
	require.Equal(t, "completed first 1-3, scheduled first 2-3", d.jobs())
}

// A relay that dies when it hands a part on, or asks for a stopped event's chunks once more, has done nothing.
func TestARelayJobDiesOverItsRest(t *testing.T) {
	t.Parallel()
	for at, mode := range map[string]Mode{failpoint.RelayHandedOn: First, failpoint.RelayAskedAgain: Unsettled} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			d := setupRelay(t, 1, 1)
			ctx, cancel := context.WithCancel(rivertest.WorkContext(t.Context(), d.river))
			defer cancel()
			d.relay.tell = func(string, *Refusal) {
				if at == failpoint.RelayHandedOn {
					cancel() // after the first message
					return
				}
				d.exec(`UPDATE campaign_event_summary SET stopped_at = now()`)
			}
			id := d.job(d.all(), First, 0, "")
			require.ErrorIs(t, d.relay.Work(dying(ctx, at), begin(d.room, id, newArgs(d.all(), First, 0))), errDied)
			require.Equal(t, "running first 1-2", d.jobs())
			require.Equal(t, "targets 0 chunks 0 counted 0", d.marked())

			ctx, cancel = context.WithCancel(rivertest.WorkContext(t.Context(), d.river))
			defer cancel()
			require.NoError(t, d.relay.Work(ctx, begin(d.room, id, newArgs(d.all(), First, 0))))
			require.Contains(t, d.jobs(), "completed first 1-2, scheduled "+string(mode))
		})
	}
}

// A replay job that dies publishes a copy once more at the most, and is completed by the next attempt.
func TestAReplayJobDies(t *testing.T) {
	t.Parallel()
	for at, sent := range map[string]int{failpoint.CopyRead: 0, failpoint.CopyAfterAck: 1} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			d := setupRelay(t)
			id := d.replayJob(0)
			require.ErrorIs(t, d.workReplay(dying(t.Context(), at), begin(d.room, id, ReplayArgs{1})), errDied)
			require.Equal(t, "running", d.text(`SELECT state FROM river.river_job`))
			require.NoError(t, d.workReplay(t.Context(), begin(d.room, id, ReplayArgs{1})))
			require.Equal(t, "completed", d.text(`SELECT state FROM river.river_job`))
			require.Equal(t, int64(sent+1), kafkatest.EndOffsets(t, d.brokers, d.kafka.Topic(point))[0])
		})
	}
}

// A sweep or a reconcile that dies before its commit has given no job and noted nothing: the next one finds the same.
func TestTheSweeperDies(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	_, err := r.sweeper().Sweep(dying(t.Context(), failpoint.SweepBeforeCommit))
	require.ErrorIs(t, err, errDied)
	require.Empty(t, r.jobs())
	n, err := r.sweeper().Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)

	r.exec(`DELETE FROM river.river_job`)
	r.published()
	ctx := dying(t.Context(), failpoint.ReconcileBeforeJobs)
	err = pg.InTx(ctx, r.pool, func(tx pgx.Tx) error {
		_, err := r.sweeper().republishLost(ctx, tx, point, time.Now())
		return err
	})
	require.ErrorIs(t, err, errDied)
	require.Empty(t, r.jobs())
	require.Equal(t, "0", r.text(`SELECT reconciled::text FROM grant_chunks`))
	chunks, _ := r.lost(time.Now())
	require.Equal(t, 1, chunks)
}

// A handler's process that dies is given the message once more: it is handled twice, and parked once.
func TestAReceiverDies(t *testing.T) {
	t.Parallel()
	for at, body := range map[string]string{
		failpoint.HandledBeforeAck: "", failpoint.ParkBeforeCommit: "rubbish", failpoint.ParkAfterCommit: "rubbish",
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			d := offline(t)
			handled := 0
			r := d.router(func(context.Context, Message) error { handled++; return nil })
			m := message.NewMessage("1", []byte(body))
			if body == "" {
				m.Payload = d.body(func(*Message) {})
			}
			m.SetContext(dying(t.Context(), at))
			require.ErrorIs(t, r.receive(points, m), errDied)
			require.Equal(t, at == failpoint.ParkAfterCommit, len(d.list(ParkedFilter{Limit: 9})) == 1)
			m.SetContext(t.Context())
			require.NoError(t, r.receive(points, m))
			if body == "" {
				require.Equal(t, 2, handled)
				return
			}
			require.Equal(t, causeUndecodable, d.one().Cause)
		})
	}
}

// A copy whose way back to its row is cut comes again: its replay has not ended meanwhile.
func TestACopysWayBackDies(t *testing.T) {
	t.Parallel()
	d := offline(t)
	d.park(somewhere, "rubbish", replay{}, causeNewer, errors.New("of version 2"))
	p, _, err := d.replay(1)
	require.NoError(t, err)
	r := d.router(nil)
	m := message.NewMessage("1", []byte("rubbish"))
	m.Metadata.Set(replayHeader, replay{1, *p.ReplayedAt}.String())
	m.SetContext(dying(t.Context(), failpoint.ParkBackBeforeCommit))
	require.ErrorIs(t, r.receive(points, m), errDied)
	require.NotNil(t, d.one().ReplayedAt)
	m.SetContext(t.Context())
	require.NoError(t, r.receive(points, m))
	require.Nil(t, d.one().ReplayedAt)
}
