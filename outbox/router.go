package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Handler handles one message. It may be called any number of times for the same message, even at once. A
// [ForeignError] parks the message; after any other error it is delivered again later.
type Handler func(context.Context, Message) error

// ErrBusy is the error of a handler for a message whose chunk another handler has claimed.
var ErrBusy = errors.New("chunk is claimed by somebody else")

const (
	// messageBudget bounds the work on a message. After the group's rebalance time-out a second process may get the
	// same message; the chunk's claim lets only one of them ask the ledger.
	messageBudget = 25 * time.Second
	// resendSleep is the pause before a refused message is delivered again. Meanwhile its partition waits.
	resendSleep = time.Second
	// typesPoll is the time between two looks for new event types.
	typesPoll = time.Second
	// drain bounds the time that messages at work have to finish when the process stops.
	drain = 15 * time.Second
)

// Router consumes the topics of event_types with one handler.
type Router struct {
	pool      *pgxpool.Pool
	kafka     *Kafka
	handle    Handler
	takes     func(domain.EventType) bool
	log       *slog.Logger
	again     *slog.Logger // of what is tried again each second
	router    *message.Router
	consuming map[string]bool
	skipped   *skipped
}

// RouterConfig says what a router does with the messages that it consumes.
type RouterConfig struct {
	Handle Handler
	// Takes reports whether Handle can handle a type. The topics of other types are left to other processes: a message
	// that cannot be handled would hold up its partition.
	Takes func(domain.EventType) bool
	Log   *slog.Logger // nil: nothing is logged
}

// Validate returns an error that says what c lacks.
func (c RouterConfig) Validate() error {
	switch {
	case c.Handle == nil:
		return errors.New("configure router: Handle is missing")
	case c.Takes == nil:
		return errors.New("configure router: Takes is missing")
	}
	return nil
}

// NewRouter makes a router, or returns an error that says what c lacks.
func NewRouter(pool *pgxpool.Pool, k *Kafka, c RouterConfig) (*Router, error) {
	if pool == nil || k == nil {
		return nil, errors.New("configure router: the pool or Kafka is missing")
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	wm, err := message.NewRouter(message.RouterConfig{CloseTimeout: drain}, watermillLog(c.Log))
	if err != nil {
		return nil, fmt.Errorf("make router: %w", err)
	}
	r := &Router{
		pool: pool, kafka: k, handle: c.Handle, takes: c.Takes, log: c.Log, router: wm,
		again:     obs.Sparing(c.Log, time.Minute),
		consuming: map[string]bool{}, skipped: newSkipped(c.Log),
	}
	// The order matters: each line wraps those below it.
	wm.AddMiddleware(
		r.leaveEndedSession,  // outermost: it sees every refused message, and lets go of a lost partition
		middleware.Recoverer, // a panic of the handler becomes an error, and the message is delivered again
	)
	return r, nil
}

// Run consumes until ctx ends, then lets the messages at work finish. It begins when both servers are there.
func (r *Router) Run(ctx context.Context) error {
	topics, err := r.firstTopics(ctx)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if err := r.add(topics); err != nil {
		return err
	}
	polling := make(chan error, 1)
	go func() { polling <- r.pollTypes(ctx) }()
	err = r.router.Run(ctx)
	return errors.Join(err, <-polling)
}

// Running is closed once the router consumes.
func (r *Router) Running() <-chan struct{} { return r.router.Running() }

// Assigned returns the number of partitions of the type's topic that this process consumes.
func (r *Router) Assigned(t domain.EventType) int { return r.kafka.sessions.assigned(r.kafka.Topic(t)) }

// pollTypes consumes the topics of new types. If Kafka is away, it tries again.
func (r *Router) pollTypes(ctx context.Context) error {
	tick := time.NewTicker(typesPoll)
	defer tick.Stop()
	waiting := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		topics, err := r.newTopics(ctx)
		if err != nil || len(topics) == 0 && !waiting {
			continue // the database is away: the next tick reads again
		}
		if err = r.kafka.Ping(ctx); err == nil {
			if err := r.add(topics); err != nil {
				return err
			}
			err = r.router.RunHandlers(ctx)
		}
		if waiting = err != nil; waiting && ctx.Err() == nil {
			r.again.WarnContext(ctx, "new topics cannot be consumed yet", obs.Err, err)
		}
	}
}

// firstTopics returns the topics to begin with. It waits for servers that went away after the process had connected.
func (r *Router) firstTopics(ctx context.Context) ([]consumed, error) {
	tick := time.NewTicker(typesPoll)
	defer tick.Stop()
	for {
		topics, err := r.newTopics(ctx)
		if pg.Refused(err) {
			return nil, err
		}
		if err == nil {
			err = r.kafka.Ping(ctx)
		}
		if err == nil {
			return topics, nil
		}
		r.again.WarnContext(ctx, "nothing is consumed yet", obs.Err, err)
		select {
		case <-ctx.Done():
			return nil, nil
		case <-tick.C:
		}
	}
}

// consumed is a topic that handlers read, and the event type whose grants it carries.
type consumed struct{ topic, eventType string }

// newTopics returns the topics of ready types that this process takes and does not consume yet. Each has its group's
// offsets set.
func (r *Router) newTopics(ctx context.Context) ([]consumed, error) {
	types, err := ReadyTypes(ctx, r.pool)
	if err != nil {
		return nil, err
	}
	var topics []consumed
	for _, t := range types {
		if !r.takes(t) {
			continue
		}
		for _, topic := range []string{r.kafka.Topic(t), r.kafka.DeadLetter(t)} {
			if r.consuming[topic] || r.kafka.topics.missing(topic) {
				continue
			}
			if err := r.kafka.inherit(topic); err != nil {
				return nil, err
			}
			topics = append(topics, consumed{topic, t.Code})
		}
	}
	return topics, nil
}

func (r *Router) add(topics []consumed) error {
	for _, c := range topics {
		sub, err := r.kafka.subscribe(r.kafka.group(c.topic), resendSleep)
		if err != nil {
			return err
		}
		r.consuming[c.topic] = true
		r.kafka.consume(c)
		r.router.AddConsumerHandler(c.topic, c.topic, sub, func(m *message.Message) error { return r.receive(c, m) })
	}
	return nil
}

// receive decodes a message and hands it on. It does not use the subscriber's context, which ends when the process is
// asked to stop: a message that has begun is finished, within the budget.
func (r *Router) receive(c consumed, m *message.Message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.Context()), messageBudget)
	defer cancel()
	at := position(m.Context(), c.topic)
	msg, err := decode(m.Payload, r.kafka.cfg.Installation)
	if other, ok := errors.AsType[*elsewhereError](err); ok {
		return r.skip(ctx, at, m, other)
	}
	if err == nil {
		msg.At = at
		err = r.dispatch(ctx, c, msg)
	} else {
		err = &unreadableError{err}
	}
	if cause, bad := causeOf(err); bad {
		return r.park(ctx, at, m, cause, err)
	}
	if err != nil && !errors.Is(err, ErrBusy) {
		r.again.ErrorContext(ctx, "chunk was not handled, it comes again", obs.Chunk, msg.Chunk, obs.Topic, c.topic,
			obs.Partition, at.Partition, obs.Offset, at.Offset, obs.Err, err)
	}
	if err != nil {
		return logged{err}
	}
	return failpoint.Hit(ctx, failpoint.HandledBeforeAck)
}

// dispatch hands a message to the handler, if it stands in a topic of its event type.
func (r *Router) dispatch(ctx context.Context, c consumed, m Message) error {
	if m.EventType != c.eventType {
		return &ForeignError{Detail: fmt.Sprintf("the message says type %s and stands on topic %s, "+
			"which is that of type %s", m.EventType, c.topic, c.eventType)}
	}
	return r.handle(ctx, m)
}

// logged is an error that was logged already, or need not be. Watermill's router logs every error but a cancellation,
// so a logged error passes for one.
type logged struct{ error }

// Is makes a logged error pass for a cancellation.
func (logged) Is(target error) bool { return target == context.Canceled }

func (r *Router) park(ctx context.Context, at Position, m *message.Message, cause string, why error) error {
	if err := park(ctx, r.pool, at, m.Payload, readReplay(m.Metadata.Get(replayHeader)), cause, why); err != nil {
		return err
	}
	r.log.ErrorContext(ctx, "message was parked", obs.Cause, cause, obs.Topic, at.Topic,
		obs.Partition, at.Partition, obs.Offset, at.Offset, obs.Err, why)
	return failpoint.Hit(ctx, failpoint.ParkAfterCommit)
}

// leaveEndedSession acknowledges a message that was refused in a session that has ended. Such an ack commits nothing,
// and the partition's new owner has the message already.
func (r *Router) leaveEndedSession(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		out, err := next(m)
		topic := message.SubscribeTopicFromCtx(m.Context())
		at := position(m.Context(), topic)
		if err != nil && r.kafka.sessions.over(partition{topic, at.Partition}) {
			return nil, nil
		}
		return out, err
	}
}

func position(ctx context.Context, topic string) Position {
	at := Position{Topic: topic}
	at.Partition, _ = kafka.MessagePartitionFromCtx(ctx)
	at.Offset, _ = kafka.MessagePartitionOffsetFromCtx(ctx)
	return at
}

// ReadyTypes lists the event types that may be granted, without their units and limits. A retired type may have events
// that go on.
func ReadyTypes(ctx context.Context, pool *pgxpool.Pool) ([]domain.EventType, error) {
	rows, err := pool.Query(ctx,
		`SELECT code, label, granter, operation, topic FROM event_types
			WHERE state IN ('READY', 'RETIRED') ORDER BY code`)
	if err != nil {
		return nil, fmt.Errorf("read event types: %w", err)
	}
	types, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t domain.EventType, err error) {
		return t, row.Scan(&t.Code, &t.Label, &t.Granter, &t.Operation, &t.Topic)
	})
	if err != nil {
		return nil, fmt.Errorf("read event types: %w", err)
	}
	return types, nil
}
