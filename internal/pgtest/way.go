package pgtest

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// Way is a way to a database that can break at a COMMIT.
type Way struct {
	// Pool reaches the database by it.
	Pool *pgxpool.Pool

	server   string
	listener net.Listener
	fault    atomic.Int32
	open     sync.WaitGroup
}

// What happens at the next answer to a COMMIT.
const (
	nothing int32 = iota
	loseAnswer
	endAfter
)

// committed is PostgreSQL's answer to a COMMIT that was done:
// https://www.postgresql.org/docs/15/protocol-message-formats.html
var committed = []byte("C\x00\x00\x00\x0bCOMMIT\x00")

// Through returns a way to the database of pool. It ends with the test.
func Through(tb testing.TB, pool *pgxpool.Pool) *Way {
	tb.Helper()
	u, err := url.Parse(pool.Config().ConnString())
	require.NoError(tb, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing is looked up
	require.NoError(tb, err)
	w := &Way{server: u.Host, listener: listener}
	w.open.Go(w.accept)
	u.Host = listener.Addr().String()
	w.Pool, err = pg.Open(tb.Context(), u.String(), pg.Options{MaxConns: poolSize})
	require.NoError(tb, err)
	tb.Cleanup(func() {
		w.Pool.Close()
		_ = listener.Close() // EndAfterCommit may have closed it
		w.open.Wait()
	})
	return w
}

// LoseAnswer closes a connection in place of the next answer to a COMMIT, which was done.
func (w *Way) LoseAnswer() { w.fault.Store(loseAnswer) }

// EndAfterCommit lets the next answer to a COMMIT through. After it that connection is closed, and no other is taken.
func (w *Way) EndAfterCommit() { w.fault.Store(endAfter) }

func (w *Way) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.server) //nolint:noctx // as above
		if err != nil {
			_ = client.Close()
			return
		}
		w.open.Go(func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		})
		w.open.Go(func() {
			w.answer(client, server)
			_ = client.Close()
			_ = server.Close()
		})
	}
}

// answer hands on what the server says. An answer to a COMMIT is short and comes in one piece.
func (w *Way) answer(client io.Writer, server io.Reader) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		fault := nothing
		if bytes.Contains(buffer[:n], committed) {
			fault = w.fault.Swap(nothing)
		}
		if fault == loseAnswer {
			return
		}
		if _, writeErr := client.Write(buffer[:n]); err != nil || writeErr != nil {
			return
		}
		if fault == endAfter {
			_ = w.listener.Close()
			return
		}
	}
}
