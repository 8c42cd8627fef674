package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"bestow/internal/harness/testbed"
	"bestow/internal/proc"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// proxies are the proxies before the servers: one between each process of bestow and PostgreSQL, one before the broker,
// one before the ledger that is a process of its own.
type proxies struct {
	server *toxiproxy.ApiServer

	mu  sync.Mutex
	all map[string]*toxiproxy.Proxy // by the process, or the server
}

func newProxies() *proxies {
	toxics.Register(commitLoser, new(loseCommits))
	return &proxies{
		server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()),
		all:    map[string]*toxiproxy.Proxy{},
	}
}

// put stands a proxy before a server. The one before PostgreSQL has the name of the process that uses it, another that
// of its server.
func (p *proxies) put(server, service, addr string) (string, error) {
	name := server
	if server == testbed.PostgreSQL {
		name = service
	}
	free, err := proc.FreeAddress(context.Background())
	if err != nil {
		return "", err
	}
	proxy := toxiproxy.NewProxy(p.server, name, free, addr)
	if err := proxy.Start(); err != nil {
		return "", fmt.Errorf("start proxy before %s: %w", name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[name] = proxy
	return proxy.Listen, nil
}

func (p *proxies) proxy(name string) *toxiproxy.Proxy {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all[name]
}

// cut closes every connection through a proxy, and takes no new ones.
func (p *proxies) cut(name string) { p.proxy(name).Stop() }

// restore lets connections through again, unchanged.
func (p *proxies) restore(ctx context.Context, name string) error {
	proxy := p.proxy(name)
	proxy.Toxics.ResetToxics(ctx)
	if proxy.Enabled {
		return nil
	}
	if err := proxy.Start(); err != nil {
		return fmt.Errorf("restore the way to %s: %w", name, err)
	}
	return nil
}

// spoil does something to what a server answers through a proxy, until restore is called.
func (p *proxies) spoil(name, what string, attributes map[string]int64) error {
	body, err := json.Marshal(map[string]any{"type": what, "attributes": attributes})
	if err != nil {
		return fmt.Errorf("spoil the way of %s: %w", name, err)
	}
	if _, err := p.proxy(name).Toxics.AddToxicJson(bytes.NewReader(body)); err != nil {
		return fmt.Errorf("spoil the way of %s: %w", name, err)
	}
	return nil
}

func (p *proxies) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, proxy := range p.all {
		proxy.Stop()
	}
}

// The toxics that are used; the first is ours.
const (
	commitLoser = "lose_commits"
	latency     = "latency"
	silence     = "timeout"
)

// committed is PostgreSQL's answer to a COMMIT that was done:
// https://www.postgresql.org/docs/15/protocol-message-formats.html
var committed = []byte("C\x00\x00\x00\x0bCOMMIT\x00")

// loseCommits closes a connection in place of each so many-th answer to a COMMIT: it was done, and its client does not
// learn of it.
type loseCommits struct {
	Every int `json:"every"`
}

// NewState implements toxics.StatefulToxic: each connection counts by itself.
func (*loseCommits) NewState() any { return new(int) }

// Pipe implements toxics.Toxic.
func (l *loseCommits) Pipe(stub *toxics.ToxicStub) {
	seen, ok := stub.State.(*int)
	if !ok {
		seen = new(int)
	}
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil {
				stub.Close()
				return
			}
			if bytes.Contains(chunk.Data, committed) {
				if *seen++; *seen%max(l.Every, 1) == 0 {
					stub.Close()
					return
				}
			}
			stub.Output <- chunk
		}
	}
}
