package outbox

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/kafkatest"
	"bestow/internal/logtest"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"
)

// router is a router of the desk, which does not run. A handle of nil is for tests in which nothing is handled.
func (d *desk) router(handle Handler) *Router {
	d.Helper()
	if handle == nil {
		handle = func(context.Context, Message) error { return errors.New("nothing is to be handled") }
	}
	r, err := NewRouter(d.pool, d.kafka, RouterConfig{Handle: handle, Takes: func(domain.EventType) bool { return true }, Log: d.logger()})
	require.NoError(d, err)
	return r
}

// offline is a desk whose Kafka answers nothing: what is received comes from the test.
func offline(t *testing.T) *desk {
	t.Helper()
	d := &desk{room: setup(t), log: &logtest.Log{}}
	i, err := ReadInstallation(t.Context(), d.pool)
	require.NoError(t, err)
	d.kafka = &Kafka{cfg: KafkaConfig{Installation: i}, sessions: newSessions()}
	return d
}

// body returns what a relay of the desk's installation writes.
func (d *desk) body(change func(*Message)) []byte {
	d.Helper()
	m := example()
	m.Source = sourcePrefix + d.kafka.cfg.Installation.ID
	change(&m)
	body, err := encode(m, time.Now())
	require.NoError(d, err)
	return body
}

var points = consumed{topic: "grants.point", eventType: "POINT"}

// What becomes of a message by what the handler says of it: it is acknowledged, parked, or comes again.
func TestWhatBecomesOfAMessage(t *testing.T) {
	t.Parallel()
	const stranger = "/bestow/aaaaaaaa-5d4a-4e6f-9a7b-0c1d2e3f4a5b"
	asItIs := func(*Message) {}
	for name, c := range map[string]struct {
		body    func(*desk) []byte
		handler error
		again   bool
		handled bool
		parked  string // the cause
		logged  string // the one line in the log, "" for none
	}{
		"handled":                 {body: func(d *desk) []byte { return d.body(asItIs) }, handled: true},
		"an error of the handler": {body: func(d *desk) []byte { return d.body(asItIs) }, handler: errors.New("away"), handled: true, again: true, logged: "it comes again"},
		"not its turn":            {body: func(d *desk) []byte { return d.body(asItIs) }, handler: fmt.Errorf("claim: %w", ErrBusy), handled: true, again: true},
		"foreign": {
			body: func(d *desk) []byte { return d.body(asItIs) }, handler: &ForeignError{"no such chunk"},
			handled: true, parked: causeForeign, logged: "message was parked",
		},
		"of another type": {
			body:   func(d *desk) []byte { return d.body(func(m *Message) { m.EventType = "VOUCHER" }) },
			parked: causeForeign, logged: "message was parked",
		},
		"of a chunk that no column holds": {
			body:   func(d *desk) []byte { return d.body(func(m *Message) { m.Chunk.PartitionKey = 1 << 31 }) },
			parked: causeUndecodable, logged: "message was parked",
		},
		"rubbish":  {body: func(*desk) []byte { return []byte("rubbish") }, parked: causeUndecodable, logged: "message was parked"},
		"no value": {body: func(*desk) []byte { return nil }, parked: causeUndecodable, logged: "message was parked"},
		"of a newer version": {
			body:   func(*desk) []byte { return []byte(`{"source":"/bestow/relay","type":"bestow.grants.v2"}`) },
			logged: "messages of another installation are skipped", // it names none
		},
		"of a newer version of ours": {
			body: func(d *desk) []byte {
				return []byte(`{"source":"` + sourcePrefix + d.kafka.cfg.Installation.ID + `","type":"bestow.grants.v2","data":7}`)
			},
			parked: causeNewer, logged: "message was parked",
		},
		"of another installation": {
			body:   func(d *desk) []byte { return d.body(func(m *Message) { m.Source = stranger }) },
			logged: "messages of another installation are skipped",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := offline(t)
			var got []Message
			r := d.router(func(ctx context.Context, m Message) error {
				deadline, bounded := ctx.Deadline()
				require.True(t, bounded)
				require.WithinDuration(t, time.Now().Add(messageBudget), deadline, 5*time.Second)
				require.NoError(t, ctx.Err(), "what has begun is finished though the process ends")
				got = append(got, m)
				return c.handler
			})
			m := message.NewMessage("1", c.body(d))
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			m.SetContext(ended)
			err := r.receive(points, m)
			require.Equal(t, c.again, err != nil, "%v", err)
			require.Equal(t, c.handled, len(got) == 1)
			if c.handled {
				require.Equal(t, "grants.point", got[0].At.Topic)
				require.Equal(t, example().Grants, got[0].Grants)
			}
			require.Equal(t, c.parked, d.text(`SELECT coalesce(string_agg(cause, ' '), '') FROM parked_messages`))
			if c.again {
				require.EqualError(t, err, c.handler.Error())
				require.ErrorIs(t, err, context.Canceled, "the library does not log it once more")
			}
			if c.logged == "" {
				require.Empty(t, d.log.String())
				return
			}
			require.Equal(t, 1, d.logged("msg="), d.log)
			require.Equal(t, 1, d.logged(c.logged), d.log)
		})
	}
}

// A message that cannot be parked comes again: nothing of it may be lost.
func TestAMessageThatCannotBeParked(t *testing.T) {
	t.Parallel()
	d := offline(t)
	r := d.router(nil)
	d.exec(`ALTER TABLE parked_messages RENAME TO elsewhere`)
	require.Error(t, r.receive(points, message.NewMessage("1", []byte("rubbish"))))
	copied := message.NewMessage("2", d.body(func(m *Message) { m.Source = "/bestow/aaaaaaaa-5d4a-4e6f-9a7b-0c1d2e3f4a5b" }))
	require.NoError(t, r.receive(points, copied), "another's message is passed over")
	copied.Metadata.Set(replayHeader, replay{1, time.Now()}.String())
	require.Error(t, r.receive(points, copied), "a copy of a parked one is not")
}

// Messages of other installations are counted by topic and installation, each told once. A copy of one that is parked
// here goes back to its row.
func TestSkipped(t *testing.T) {
	t.Parallel()
	d := offline(t)
	r := d.router(nil)
	others := func(n int) []byte {
		return d.body(func(m *Message) { m.Source = fmt.Sprintf("/bestow/%08d-5d4a-4e6f-9a7b-0c1d2e3f4a5b", n) })
	}
	for range 2 {
		require.NoError(t, r.receive(points, message.NewMessage("1", others(1))))
		require.NoError(t, r.receive(points, message.NewMessage("1", d.body(func(m *Message) { m.Source = unnamedSource }))))
	}
	require.Equal(t, []Skipped{{"grants.point", "00000001-5d4a-4e6f-9a7b-0c1d2e3f4a5b", 2}, {"grants.point", "unnamed", 2}}, r.Skipped())
	require.Equal(t, 2, d.logged("msg="))

	for n := range 2 * maxSkipped {
		require.NoError(t, r.receive(points, message.NewMessage("1", others(n))))
	}
	all := r.Skipped()
	require.Len(t, all, maxSkipped+1)
	require.Equal(t, Skipped{"grants.point", "others", maxSkipped + 1}, all[len(all)-2])
	require.Equal(t, maxSkipped, d.logged("msg="), "their ids are anybody's to write")

	parked := others(1)
	d.park(somewhere, string(parked), replay{}, causeNewer, errors.New("was newer"))
	p, _, err := d.replay(1)
	require.NoError(t, err)
	m := message.NewMessage("1", parked)
	m.Metadata.Set(replayHeader, replay{1, *p.ReplayedAt}.String())
	require.NoError(t, r.receive(points, m))
	require.Nil(t, d.one().ReplayedAt)
	require.Equal(t, causeForeign, d.one().Cause)
}

// A message that was refused in a session that has ended is let go of: its partition's new owner has it already.
func TestALostPartitionIsLetGo(t *testing.T) {
	t.Parallel()
	d := offline(t)
	r := d.router(nil)
	refuse := func(*message.Message) ([]*message.Message, error) { return nil, ErrBusy }
	receive := func() error {
		m := message.NewMessage("1", nil)
		m.SetContext(t.Context())
		_, err := r.leaveEndedSession(refuse)(m)
		return err
	}
	require.ErrorIs(t, receive(), ErrBusy, "no session is known")
	session, end := context.WithCancel(t.Context())
	d.kafka.sessions.begin(session, partition{})
	require.ErrorIs(t, receive(), ErrBusy)
	end()
	require.NoError(t, receive())
}

// run lets a router consume until the test ends.
func (d *desk) run(r *Router) {
	d.Helper()
	ctx, cancel := context.WithCancel(d.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	d.Cleanup(func() {
		cancel()
		require.NoError(d, <-ended)
	})
}

// A router consumes both topics of the types that it takes. A message whose handler fails comes again, and one whose
// handler panics too; the messages behind it wait. It finds types that are added meanwhile.
func TestRouter(t *testing.T) {
	t.Parallel()
	d := setupRelay(t)
	got := make(chan string, 100)
	fail := map[string]int{"first": 1, "second": 1}
	r, err := NewRouter(d.pool, d.kafka, RouterConfig{
		Takes: func(t domain.EventType) bool { return t.Code != "VOUCHER" },
		Log:   d.logger(),
		Handle: func(_ context.Context, m Message) error {
			got <- m.ID
			if fail[m.ID]--; fail[m.ID] >= 0 {
				if m.ID == "second" {
					panic("the handler is broken") //nolint:forbidigo // what a router has to survive
				}
				return errors.New("the database is away")
			}
			return nil
		},
	})
	require.NoError(t, err)
	send := func(topic, id, eventType string) {
		kafkatest.Produce(t, d.brokers, topic, 0, d.body(func(m *Message) { m.ID, m.EventType = id, eventType }))
	}
	send(d.kafka.Topic(voucher), "not taken", "VOUCHER")
	send(d.kafka.Topic(point), "first", "POINT")
	send(d.kafka.Topic(point), "second", "POINT")
	d.run(r)
	for _, want := range []string{"first", "first", "second", "second"} {
		require.Equal(t, want, <-got)
	}
	send(d.kafka.DeadLetter(point), "a retry", "POINT")
	require.Equal(t, "a retry", <-got)
	require.Eventually(t, func() bool { return r.Assigned(point) == 2 }, 20*time.Second, time.Millisecond)
	require.Zero(t, r.Assigned(voucher))

	gift := domain.EventType{Code: "GIFT", Topic: "gift"}
	require.NoError(t, d.kafka.CheckTopics([]domain.EventType{gift}))
	d.exec(`INSERT INTO event_types (code, label, operation, topic, state)
		VALUES ('GIFT', 'Gifts', 'points', 'gift', 'READY')`)
	send(d.kafka.Topic(gift), "a gift", "GIFT")
	require.Equal(t, "a gift", <-got)

	consumers, err := d.kafka.Consumers()
	require.NoError(t, err)
	require.NotEmpty(t, consumers)
	for _, c := range consumers {
		require.Contains(t, d.kafka.Members(), c.Member)
		require.NotEqual(t, "VOUCHER", c.EventType)
	}
	require.Eventually(t, func() bool {
		return kafkatest.Committed(t, d.brokers, d.kafka.group(d.kafka.Topic(point)), d.kafka.Topic(point))[0] == 2
	}, 20*time.Second, time.Millisecond)
}

// A router whose Kafka is away waits for it, and says so. It ends with its context all the same.
func TestARouterWaitsForItsServers(t *testing.T) {
	t.Parallel()
	d, end := setupKillable(t)
	end()
	r := d.router(nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	require.Eventually(t, func() bool { return d.logged("nothing is consumed yet") > 0 }, 20*time.Second, time.Millisecond)
	require.Empty(t, ended)
	cancel()
	require.NoError(t, <-ended)
	require.Empty(t, r.consuming)
}

// A database that refuses the process ends the router: no wait makes it right.
func TestARouterThatIsRefusedEnds(t *testing.T) {
	t.Parallel()
	d := setupRelay(t)
	d.exec(`ALTER TABLE event_types RENAME TO elsewhere`)
	d.exec(`CREATE FUNCTION refuse() RETURNS SETOF elsewhere LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'no right' USING ERRCODE = 'insufficient_privilege'; END $$`)
	d.exec(`CREATE VIEW event_types AS SELECT * FROM refuse()`)
	require.ErrorContains(t, d.router(nil).Run(t.Context()), "no right")
}

// Types that are not ready have no topic yet.
func TestReadyTypes(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.exec(`INSERT INTO event_types (code, label, operation, topic, state)
		VALUES ('GIFT', 'Gifts', 'points', 'gift', 'CREATING')`)
	types, err := ReadyTypes(t.Context(), r.pool)
	require.NoError(t, err)
	require.Equal(t, []domain.EventType{
		{Code: "POINT", Label: "Points", Granter: "money", Operation: domain.Points, Topic: "point"},
		{Code: "VOUCHER", Label: "Vouchers", Granter: "money", Operation: domain.Vouchers, Topic: "voucher"},
	}, types)
}
