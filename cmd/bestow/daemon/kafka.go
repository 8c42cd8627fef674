package daemon

import (
	"context"
	"time"

	"bestow/outbox"
)

func (p *Process) wireKafka(ctx context.Context) error {
	cfg := p.cfg.Kafka()
	cfg.Log = p.log
	cfg.Installation = p.installation
	err := Patiently(ctx, p.log, "kafka", func() (err error) {
		p.Kafka, err = outbox.NewKafka(cfg)
		return err
	})
	if err != nil {
		return err
	}
	if err := Patiently(ctx, p.log, "kafka",
		func() (err error) { p.cluster, err = p.Kafka.ClusterID(); return err }); err != nil {
		return err
	}
	types, err := outbox.ReadyTypes(ctx, p.Pool)
	if err != nil {
		return err
	}
	if err := Patiently(ctx, p.log, "kafka", func() error { return p.Kafka.CheckTopics(types) }); err != nil {
		return err
	}
	if p.has(RoleHandler) {
		handle := outbox.Handler(p.App.Grants.Handle)
		if p.with.Handler != nil {
			handle = p.with.Handler(handle)
		}
		p.Router, err = outbox.NewRouter(p.Pool, p.Kafka,
			outbox.RouterConfig{Handle: handle, Takes: p.Granter.Takes, Log: p.log})
	}
	return err
}

// patienceWithKafka is the time that a chunk that was published is left alone before it may count as lost.
const patienceWithKafka = time.Minute
