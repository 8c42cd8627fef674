package main

import (
	"context"

	"bestow/internal/harness/testbed"
)

// installation is bestow as it is deployed, and what may be killed of it.
type installation struct {
	*testbed.Testbed

	dead int // the broker that was killed last
}

// The services by their place in the list.
const (
	relayPlace   = 1 // and 2
	handlerPlace = 3 // and 4
)

// name begins the names of the folder and of the topics.
const name = "kill"

// install builds bestow and starts everything. The caller tears it down, after an error too.
func install(ctx context.Context, o options) (*installation, error) {
	t := testbed.Options{Name: name, Kafka: o.kafka, Services: []testbed.Service{
		{Name: "api", Roles: "api"},
		{Name: "relay-1", Roles: "relay,jobs"},
		{Name: "relay-2", Roles: "relay,jobs"},
		{Name: "handler-1", Roles: "handler,jobs"},
		{Name: "handler-2", Roles: "handler,jobs"},
	}}
	if o.brokerKills > 0 {
		t.Env = []string{"BESTOW_MESSAGE_TARGETS=" + manyMessages}
	}
	b, err := testbed.Install(ctx, t)
	return &installation{Testbed: b}, err
}

// victims are the services that a round kills, none where it kills PostgreSQL or a broker.
func (in *installation) victims(r round) []*testbed.Process {
	switch r.victim {
	case relay:
		return in.Processes[relayPlace+r.which:][:1]
	case handler:
		return in.Processes[handlerPlace+r.which:][:1]
	case everything:
		return in.Processes
	case postgres, broker, victims:
	}
	return nil
}

// kill kills the round's victims with SIGKILL, all in the same moment, and waits for their end.
func (in *installation) kill(ctx context.Context, r round) error {
	switch r.victim {
	case broker:
		return in.killLeader(ctx, r)
	case postgres:
		return in.KillPostgres()
	case relay, handler, everything, victims:
	}
	return in.Kill(in.victims(r)...)
}

// restart starts the round's victims again. PostgreSQL is waited for, since it recovers before it is there, and a
// broker, since the others let it in again when its session has ended.
func (in *installation) restart(ctx context.Context, r round) error {
	switch r.victim {
	case broker:
		return in.Cluster.StartBroker(ctx, in.dead)
	case postgres:
		return in.StartPostgres(ctx)
	case relay, handler, everything, victims:
	}
	return in.Start(ctx, in.victims(r)...)
}
