package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/proc"
	"bestow/outbox"
)

// freeAddr returns addr, or a free address of this machine where another process listens on addr already, and says so.
// The kernel gives its port to no outgoing connection: a killed process finds it free when it starts again. Error:
// domain.Invalid for an addr of setting at which this process cannot listen at all.
func (d *demo) freeAddr(ctx context.Context, what, setting, addr string) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err == nil {
		defer func() { _ = l.Close() }()
		return l.Addr().String(), nil
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return "", domain.InvalidError(english.OneLine(fmt.Sprintf("open %s: %v", setting, err)),
			"correct "+setting+" to an address of this machine with a port of 1024 or more, or unset it")
	}
	free, err := proc.FreeAddress(ctx)
	if err != nil {
		return "", err
	}
	d.aside(what, "at %s, because %s is in use", free, addr)
	return free, nil
}

// awaitKafka waits for the brokers of KAFKA_BROKERS for as long as a start of the service does.
func (d *demo) awaitKafka(ctx context.Context) error {
	if d.broker != nil {
		return nil
	}
	answered := d.ifSlow("Kafka", "no broker answers yet: waits for one, for half a minute …")
	err := daemon.Patiently(ctx, d.log, "kafka", func() error {
		k, err := outbox.NewKafka(d.cfg.Kafka())
		if err != nil {
			return err
		}
		return k.Close()
	})
	answered()
	if err != nil {
		return noServer(ctx, "KAFKA_BROKERS",
			"start that Kafka or correct the address, or unset KAFKA_BROKERS: the demo then starts a broker of its own", err)
	}
	return nil
}

// noServer says that the server of a setting cannot be used, and what to do.
func noServer(ctx context.Context, setting, cure string, err error) error {
	err = fmt.Errorf("open %s: %w", setting, err)
	if ctx.Err() != nil {
		return err
	}
	return domain.InvalidError(english.OneLine(err.Error()), cure)
}
