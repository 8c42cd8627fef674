package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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

// A replay's header is read as it was written; whatever else stands there makes the message an ordinary one.
func TestReplayHeader(t *testing.T) {
	t.Parallel()
	r := replay{7, time.UnixMicro(1_795_000_000_123_456)}
	require.Equal(t, "7.1795000000123456", r.String(), "it is wire format")
	require.Equal(t, r, readReplay(r.String()))
	for _, odd := range []string{"", "7", "7.", ".7", "x.1", "0.1", "-1.1", "1.-1", "1.9223372036854775807", "9223372036854775808.1", "1.1.1", "1 .1"} {
		require.Zero(t, readReplay(odd), odd)
	}
}

// Job kinds and their names stand in databases: they are wire format.
func TestReplayArgs(t *testing.T) {
	t.Parallel()
	require.Equal(t, "replay", ReplayArgs{}.Kind())
	body, err := json.Marshal(ReplayArgs{ParkedID: 7})
	require.NoError(t, err)
	require.JSONEq(t, `{"parked_id": 7}`, string(body))
}

func (r *room) list(f ParkedFilter) (list []ParkedMessage) {
	r.Helper()
	r.tx(func(tx pgx.Tx) (err error) {
		list, err = ListParked(r.Context(), tx, f)
		return err
	})
	return list
}

func (r *room) one() ParkedMessage {
	r.Helper()
	list := r.list(ParkedFilter{Limit: 10})
	require.Len(r, list, 1)
	return list[0]
}

func (r *room) replay(id int64) (p ParkedMessage, fresh bool, err error) {
	r.Helper()
	err = pg.InTx(r.Context(), r.pool, func(tx pgx.Tx) (err error) {
		p, fresh, err = Replay(r.Context(), tx, r.river, id)
		return err
	})
	return p, fresh, err
}

// The list is narrowed by cause, by replay and by id, and is newest first.
func TestListParked(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for i, cause := range []string{causeUndecodable, causeForeign, causeNewer, causeForeign} {
		r.park(Position{Topic: "t", Offset: int64(i)}, "x", replay{}, cause, errors.New("why"))
	}
	r.exec(`UPDATE parked_messages SET replayed_at = now() WHERE id = 2`)
	yes, no := true, false
	for want, f := range map[string]ParkedFilter{
		"4 3 2 1": {Limit: 9},
		"4 3":     {Limit: 2},
		"2 1":     {Before: 3, Limit: 9},
		"4 2":     {Cause: causeForeign, Limit: 9},
		"2":       {Replayed: &yes, Limit: 9},
		"4 3 1":   {Replayed: &no, Limit: 9},
		"1":       {Replayed: &no, Before: 3, Limit: 9},
		"":        {Cause: causeNewer, Before: 3, Limit: 9},
	} {
		var ids []string
		for _, p := range r.list(f) {
			ids = append(ids, fmt.Sprint(p.ID))
		}
		require.Equal(t, want, strings.Join(ids, " "), "%+v", f)
	}
}

// A replay is asked for once: while its job is to be worked, nothing changes.
func TestReplayIsAskedForOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, _, err := r.replay(1)
	requireCode(t, err, domain.NotFound)
	r.park(somewhere, "bad", replay{}, causeNewer, errors.New("of version 2"))
	first, fresh, err := r.replay(1)
	require.NoError(t, err)
	require.True(t, fresh)
	require.True(t, first.Replaying)
	require.Equal(t, "available replay relay 32767", r.text(`SELECT concat_ws(' ', state, kind, queue, max_attempts) FROM river.river_job`))
	second, fresh, err := r.replay(1)
	require.NoError(t, err)
	require.False(t, fresh)
	require.Equal(t, first, second)
	require.Equal(t, "1", r.text(`SELECT count(*)::text FROM river.river_job`))

	r.exec(`UPDATE parked_messages SET replayed_at = NULL`) // its copy came back before its job was completed
	_, fresh, err = r.replay(1)
	require.NoError(t, err)
	require.True(t, fresh)
	r.exec(`UPDATE river.river_job SET state = 'completed', finalized_at = now()`)
	require.False(t, r.one().Replaying)
}

// A message that no bestow could have written is too large to be published.
func TestReplayOfALargeMessage(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.park(somewhere, strings.Repeat("x", maxReplay), replay{}, causeUndecodable, errors.New("large"))
	r.park(Position{Topic: "t"}, strings.Repeat("x", maxReplay+1), replay{}, causeUndecodable, errors.New("larger"))
	_, fresh, err := r.replay(1)
	require.NoError(t, err)
	require.True(t, fresh)
	_, _, err = r.replay(2)
	requireCode(t, err, domain.NotReplayable)
	require.Equal(t, "1", r.text(`SELECT count(*)::text FROM river.river_job`))
}

// replayJob parks a message in the desk's topic, and asks for its replay.
func (d *desk) replayJob(partition int32) int64 {
	d.Helper()
	d.park(Position{d.kafka.Topic(point), partition, 5}, "bad \x00", replay{}, causeNewer, errors.New("of version 2"))
	_, _, err := d.replay(1)
	require.NoError(d, err)
	var id int64
	require.NoError(d, d.pool.QueryRow(d.Context(), `SELECT id FROM river.river_job`).Scan(&id))
	return id
}

func (d *desk) workReplay(ctx context.Context, job *river.Job[ReplayArgs]) error {
	w, err := NewReplayWorker(ReplayConfig{Pool: d.pool, Kafka: d.kafka, Log: d.logger()})
	require.NoError(d, err)
	return w.Work(rivertest.WorkContext(ctx, d.river), job)
}

// A replay job publishes the bytes as they were, to their partition where there is one, and says in a header what they are
// a copy of. A message that waits for no replay any more is not published.
func TestReplayJob(t *testing.T) {
	t.Parallel()
	d := setupRelay(t)
	topic := d.kafka.Topic(point)
	id := d.replayJob(1)
	job := begin(d.room, id, ReplayArgs{1})
	require.NoError(t, d.workReplay(t.Context(), job))
	require.Equal(t, "completed", d.text(`SELECT state FROM river.river_job`))
	sent := kafkatest.Messages(t, d.brokers, topic)
	require.Len(t, sent, 1)
	require.Equal(t, "bad \x00", string(sent[0].Value))
	require.Equal(t, int32(1), sent[0].Partition)
	require.Equal(t, replay{1, *d.one().ReplayedAt}, readReplay(sent[0].Headers[replayHeader]))

	d.exec(`UPDATE river.river_job SET state = 'available', finalized_at = NULL`)
	d.exec(`UPDATE parked_messages SET kafka_partition = 5`) // the topic was made anew with fewer
	require.NoError(t, d.workReplay(t.Context(), begin(d.room, id, ReplayArgs{1})))
	require.Equal(t, map[int32]int64{0: 0, 1: 2}, kafkatest.EndOffsets(t, d.brokers, topic))

	for _, gone := range []string{`UPDATE parked_messages SET replayed_at = NULL`, `DELETE FROM parked_messages`} {
		d.exec(gone)
		d.exec(`UPDATE river.river_job SET state = 'available', finalized_at = NULL`)
		require.NoError(t, d.workReplay(t.Context(), begin(d.room, id, ReplayArgs{1})))
		require.Equal(t, "completed", d.text(`SELECT state FROM river.river_job`))
	}
	require.Len(t, kafkatest.Messages(t, d.brokers, topic), 2)
}

// An older attempt of a replay job completes nothing. A Kafka that does not take the message puts the job off, unless its
// time is up: then it may be another attempt's.
func TestReplayJobIsFenced(t *testing.T) {
	t.Parallel()
	d := setupRelay(t)
	id := d.replayJob(0)
	job := begin(d.room, id, ReplayArgs{1})
	d.exec(`UPDATE river.river_job SET attempt = 2`)
	require.ErrorIs(t, d.workReplay(t.Context(), job), ErrFenced)
	require.Equal(t, "running", d.text(`SELECT state FROM river.river_job`))

	d.block(d.kafka.Topic(point))
	snoozed(t, d.workReplay(t.Context(), begin(d.room, id, ReplayArgs{1})), kafkaAway)
	require.Equal(t, 1, d.logged("kafka did not take a parked message"))
	ctx, cancel := context.WithCancel(t.Context())
	w, err := NewReplayWorker(ReplayConfig{
		Pool: d.pool, Kafka: d.kafka, Log: slog.New(onLog{slog.DiscardHandler, cancel}),
	})
	require.NoError(t, err)
	err = w.Work(rivertest.WorkContext(ctx, d.river), begin(d.room, id, ReplayArgs{1}))
	require.Error(t, err)
	require.NotErrorIs(t, err, &river.JobSnoozeError{})
}

// onLog does something when a line is logged.
type onLog struct {
	slog.Handler
	do func()
}

func (o onLog) Enabled(context.Context, slog.Level) bool { return true }

func (o onLog) Handle(context.Context, slog.Record) error {
	o.do()
	return nil
}

// requireCode asserts that err tells a person a code.
func requireCode(t *testing.T, err error, code domain.Code) {
	t.Helper()
	told, ok := errors.AsType[*domain.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, told.Code)
}
