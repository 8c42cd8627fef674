package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/components/forwarder"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// outboxes is the number of outboxes that the rival has, each with a forwarder of its own, because a forwarder has one
// message on its way at a time and waits until Kafka has it on disk: 8 took twice as long.
const outboxes = 32

// outboxRoad is the outbox that Watermill brings: a row for each message, and a forwarder that publishes the rows one
// after another.
type outboxRoad struct {
	kafka      *rivalKafka
	schema     sql.DefaultPostgreSQLSchema
	forwarders []*forwarder.Forwarder
	running    errgroup.Group
}

func outboxName(i int) string { return "outbox_" + strconv.Itoa(i) }

// openOutbox makes the outboxes and starts their forwarders; what it returns must be stopped even with an error.
func openOutbox(ctx context.Context, pool *pgxpool.Pool, k *rivalKafka) (*outboxRoad, error) {
	o := &outboxRoad{kafka: k}
	for i := range outboxes {
		subscriber, err := sql.NewSubscriber(sql.BeginnerFromPgx(pool), sql.SubscriberConfig{
			SchemaAdapter: o.schema, OffsetsAdapter: sql.DefaultPostgreSQLOffsetsAdapter{}, InitializeSchema: true,
			PollInterval: 10 * time.Millisecond,
		}, nil)
		if err != nil {
			return o, fmt.Errorf("make outbox: %w", err)
		}
		config := forwarder.Config{ForwarderTopic: outboxName(i), CloseTimeout: 15 * time.Second}
		f, err := forwarder.NewForwarder(subscriber, k.publisher, watermill.NopLogger{}, config)
		if err != nil {
			return o, fmt.Errorf("make forwarder: %w", err)
		}
		o.forwarders = append(o.forwarders, f)
		o.running.Go(func() error { return f.Run(context.WithoutCancel(ctx)) })
	}
	return o, until(ctx, assigning, func() (bool, error) { return o.forwarding(), nil })
}

// forwarding reports whether all forwarders have begun.
func (o *outboxRoad) forwarding() bool {
	for _, f := range o.forwarders {
		select {
		case <-f.Running():
		default:
			return false
		}
	}
	return true
}

// take writes the grants into the outboxes, a statement for each.
func (o *outboxRoad) take(_ context.Context, tx pgx.Tx, grants []rivalGrant) error {
	inner, err := sql.NewPublisher(sql.TxFromPgx(tx), sql.PublisherConfig{SchemaAdapter: o.schema}, nil)
	if err != nil {
		return fmt.Errorf("make publisher: %w", err)
	}
	var messages [outboxes][]*message.Message
	for i, g := range grants {
		m, err := rivalMessage(g)
		if err != nil {
			return err
		}
		messages[i%outboxes] = append(messages[i%outboxes], m)
	}
	for i, some := range messages {
		if len(some) == 0 {
			continue
		}
		p := forwarder.NewPublisher(inner, forwarder.PublisherConfig{ForwarderTopic: outboxName(i)})
		if err := p.Publish(o.kafka.topic, some...); err != nil {
			return fmt.Errorf("write outbox: %w", err)
		}
	}
	return nil
}

func (o *outboxRoad) stop() error {
	var errs []error
	for _, f := range o.forwarders {
		errs = append(errs, f.Close())
	}
	return errors.Join(append(errs, o.running.Wait())...)
}
