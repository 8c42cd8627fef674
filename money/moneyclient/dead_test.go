package moneyclient_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bestow/money/moneyclient"

	"github.com/stretchr/testify/require"
)

// swallower is a proxy whose connections can die without being closed, as those of a load balancer whose backend is
// gone.
type swallower struct {
	net.Listener

	to   string
	dead atomic.Int64 // how many connections, the oldest ones, hand on nothing
	came atomic.Int64
	open sync.WaitGroup
}

func swallow(t *testing.T, to string) *swallower {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &swallower{Listener: listener, to: to}
	s.open.Go(s.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		s.open.Wait()
	})
	return s
}

func (s *swallower) accept() {
	for {
		client, err := s.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", s.to)
		if err != nil {
			_ = client.Close()
			return
		}
		number := s.came.Add(1)
		s.open.Go(func() { s.pipe(number, client, server) })
		s.open.Go(func() { s.pipe(number, server, client) })
	}
}

func (s *swallower) pipe(number int64, to io.WriteCloser, from io.Reader) {
	defer func() { _ = to.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if number > s.dead.Load() {
			_, _ = to.Write(buffer[:n]) // where it is gone, Read says so next
		}
	}
}

// Over HTTP/2 a connection that is dead and not closed is found out: the ledger is asked by a new one.
func TestDeadConnection(t *testing.T) {
	t.Parallel()
	at := httptest.NewUnstartedServer(says(200, jsonType, `{"items":[]}`))
	at.EnableHTTP2 = true
	at.StartTLS()
	t.Cleanup(at.Close)
	proxy := swallow(t, at.Listener.Addr().String())
	client := newClient(t, moneyclient.Config{URL: "https://" + proxy.Addr().String(), Token: token})
	roots := x509.NewCertPool()
	roots.AddCert(at.Certificate())
	client.Trust(roots)
	ask := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.LookupPoints(ctx, []string{})
		return err
	}
	require.NoError(t, ask())
	proxy.dead.Store(proxy.came.Load())
	require.ErrorIs(t, ask(), context.DeadlineExceeded)
	require.Eventually(t, func() bool { return ask() == nil }, time.Minute, 10*time.Millisecond)
}
