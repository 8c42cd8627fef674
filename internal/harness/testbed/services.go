package testbed

import (
	"context"
	"fmt"
	"net/url"

	"bestow/internal/proc"
	"bestow/internal/seal"
)

// Service is one process of bestow.
type Service struct {
	Name, Roles string
	// Ledger names the service that is asked for grants over HTTP; it has the role money alone. Empty: the ledger in
	// this process.
	Ledger string
}

// ledgerRole is the role of a service that has an address for the ledger in place of one for the API.
const ledgerRole = "money"

// configure says what the processes of bestow are. Each has addresses of its own, of which the first is the API's.
func (b *Testbed) configure(ctx context.Context) error {
	ports, err := proc.FreePorts(ctx, 2*len(b.options.Services))
	if err != nil {
		return err
	}
	b.API = &API{URL: "http://" + proc.Address(ports[0]) + "/api/v1", Key: seal.GenerateMaster()}
	b.env = append(environment(),
		"DATABASE_URL="+b.URL, "KAFKA_BROKERS="+b.Brokers, "BESTOW_TOPIC_PREFIX="+b.options.Name, "LOG_FORMAT=text",
		"BESTOW_ADMIN_KEY="+b.API.Key, "BESTOW_MASTER_KEY="+seal.GenerateMaster(),
		"BESTOW_MONEY_TOKEN="+seal.GenerateMaster())
	b.env = append(b.env, b.options.Env...)
	addresses := map[string]string{} // by the service
	for i, s := range b.options.Services {
		addresses[s.Name] = proc.Address(ports[2*i])
	}
	for i, s := range b.options.Services {
		env, err := b.environmentOf(s, addresses)
		if err != nil {
			return err
		}
		ops := proc.Address(ports[2*i+1])
		b.Processes = append(b.Processes, &Process{Ops: ops, Program: proc.Program{
			Name: s.Name, Args: []string{b.binary, "serve", "--roles", s.Roles}, Log: b.File(s.Name + ".log"),
			Env: append(env, "BESTOW_OPS_ADDR="+ops),
		}})
	}
	return nil
}

// environmentOf is the environment of a service, which reaches its servers by way of what stands before them.
func (b *Testbed) environmentOf(s Service, addresses map[string]string) ([]string, error) {
	database, err := b.through(s.Name)
	if err != nil {
		return nil, err
	}
	own := "BESTOW_ADDR="
	if s.Roles == ledgerRole {
		own = "BESTOW_MONEY_ADDR="
	}
	env := append(b.env[:len(b.env):len(b.env)], "DATABASE_URL="+database, own+addresses[s.Name])
	if s.Ledger == "" {
		return env, nil
	}
	ledger, err := b.proxy(Ledger, s.Name, addresses[s.Ledger])
	if err != nil {
		return nil, err
	}
	return append(env, "BESTOW_MONEY_URL=http://"+ledger), nil
}

// through is the database's URL, by way of what stands before PostgreSQL for a service.
func (b *Testbed) through(service string) (string, error) {
	u, err := url.Parse(b.URL)
	if err != nil {
		return "", fmt.Errorf("read PostgreSQL's address: %w", err)
	}
	if u.Host, err = b.proxy(PostgreSQL, service, u.Host); err != nil {
		return "", err
	}
	return u.String(), nil
}
