package upkeep

import (
	"context"
	"strings"
	"time"

	"bestow/domain"
	"bestow/internal/english"
	"bestow/outbox"
)

// kafka looks whether the brokers answer, and at the topics if the types are known.
func (d *doctor) kafka(ctx context.Context) {
	if len(d.cfg.Brokers) == 0 {
		d.say("kafka", Skipped, "KAFKA_BROKERS is not set")
		return
	}
	cfg := d.cfg.Kafka()
	cfg.Installation, _ = outbox.ReadInstallation(ctx, d.pool) // without it the types are not known either
	k, err := outbox.NewKafka(cfg)
	if err != nil {
		d.say("kafka", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	defer func() { _ = k.Close() }() // it has written nothing
	if err := k.Ping(ctx); err != nil {
		d.say("kafka", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	d.say("kafka", Fine, "answers at %s (%s)", strings.Join(d.cfg.Brokers, ", "), cfg.Security)
	types, err := outbox.ReadyTypes(ctx, d.pool)
	if err != nil {
		d.say("topics", Skipped, "the event types are not known")
		return
	}
	d.topics(k, types)
	d.kafkaRights(k, types)
	d.waiting(ctx, k, types)
}

func (d *doctor) topics(k *outbox.Kafka, types []domain.EventType) {
	faults, err := k.Examine(types)
	if err != nil {
		d.say("topics", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	for _, f := range faults {
		level := Warning
		if f.Blocks {
			level = Wrong
		}
		d.say("topic "+f.Topic, level, "%s", f.Text)
	}
	if len(faults) == 0 {
		d.say("topics", Fine, "are there, and set as they must be")
	}
}

// kafkaRights looks whether the brokers allow what the service does.
func (d *doctor) kafkaRights(k *outbox.Kafka, types []domain.EventType) {
	lacking, err := k.Lacking(types)
	if err != nil {
		d.say("kafka rights", Warning, "%s", english.OneLine(err.Error()))
		return
	}
	for _, text := range lacking {
		d.say("kafka rights", Wrong, "%s", text)
	}
	if len(lacking) == 0 {
		d.say("kafka rights", Fine, "this user may do on topics and groups what the service does")
	}
}

// waiting compares the oldest message of each type that a handler has still to consume with the time that its topic
// keeps messages.
func (d *doctor) waiting(ctx context.Context, k *outbox.Kafka, types []domain.EventType) {
	oldest, err := outbox.OldestWaiting(ctx, d.pool)
	if err != nil {
		d.say("topics", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	retentions, err := k.Retentions(types)
	if err != nil {
		d.say("topics", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	for _, t := range types {
		kept, ends := retentions[k.Topic(t)]
		if wait := oldest[t.Code]; ends && wait > kept/2 {
			d.say("topic "+k.Topic(t), Warning, "messages have waited for a handler for %s, and the topic keeps them for %s: "+
				"start more handlers, or set retention.ms higher. What Kafka deletes is published again, minutes later",
				wait.Round(time.Second), kept.Round(time.Second))
		}
	}
}
