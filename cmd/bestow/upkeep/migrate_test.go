package upkeep

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"bestow/cmd/bestow/terminal"
	"bestow/internal/pgtest"
	"bestow/migrations"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"
)

// slowServer is a PostgreSQL behind a port that answers before the server does, as a container's port does: it closes
// the first connection, says to the second that the server is starting, and hands on the others.
type slowServer struct {
	listener net.Listener
	server   string
	open     sync.WaitGroup
}

// newSlowServer returns the connection string of a database by a slowServer.
func newSlowServer(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	require.NoError(t, err)
	s := &slowServer{server: u.Host}
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.open.Go(s.accept)
	t.Cleanup(func() {
		require.NoError(t, s.listener.Close())
		s.open.Wait()
	})
	u.Host = s.listener.Addr().String()
	return u.String()
}

func (s *slowServer) accept() {
	for n := 0; ; n++ {
		client, err := s.listener.Accept()
		if err != nil {
			return
		}
		switch n {
		case 0:
			_ = client.Close()
		case 1:
			_ = refuseToStart(client) // an error: the client has gone
		default:
			s.open.Go(func() { s.handOn(client) })
		}
	}
}

// refuseToStart answers as a PostgreSQL that replays its log.
func refuseToStart(client net.Conn) error {
	defer func() { _ = client.Close() }()
	backend := pgproto3.NewBackend(client, client)
	message, err := backend.ReceiveStartupMessage()
	for ; err == nil; message, err = backend.ReceiveStartupMessage() {
		if _, whole := message.(*pgproto3.StartupMessage); whole {
			backend.Send(&pgproto3.ErrorResponse{
				Severity: "FATAL", Code: "57P03",
				Message: "the database system is starting up",
			})
			return backend.Flush()
		}
		if _, err := client.Write([]byte("N")); err != nil { // no TLS
			return err
		}
	}
	return err
}

func (s *slowServer) handOn(client net.Conn) {
	server, err := net.Dial("tcp", s.server)
	if err != nil {
		_ = client.Close()
		return
	}
	s.open.Go(func() {
		_, _ = io.Copy(server, client) // it ends with one of the two
		_ = server.Close()
	})
	_, _ = io.Copy(client, server)
	_ = client.Close()
}

// `migrate up` waits for a PostgreSQL that is starting, as in "docker run … postgres" and the next line (P25).
func TestMigrateUpWaitsForAServerThatStarts(t *testing.T) {
	t.Parallel()
	database := newSlowServer(t, pgtest.Empty(t))
	var out, errs bytes.Buffer
	require.NoError(t, migrateUp(t.Context(), &terminal.Terminal{Out: &out, Err: &errs}, database))
	require.Equal(t, "the database is up to date\n", out.String())
	require.Contains(t, errs.String(), `msg="waiting for postgresql"`)
	require.NoError(t, migrations.Current(t.Context(), database))
}

// What is wrong with the address is told at once.
func TestMigrateUpDoesNotWaitForNothing(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(pgtest.Empty(t))
	require.NoError(t, err)
	u.Path = "/no_such_database"
	var errs bytes.Buffer
	err = migrateUp(t.Context(), &terminal.Terminal{Out: io.Discard, Err: &errs}, u.String())
	require.ErrorContains(t, err, "no_such_database")
	require.Empty(t, errs.String())
}

// A server without TLS stays so: `migrate up` does not wait for it, and says what to change.
func TestMigrateUpByTLS(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var served sync.WaitGroup
	served.Go(func() {
		for client, err := l.Accept(); err == nil; client, err = l.Accept() {
			_ = refuseToStart(client)
		}
	})
	defer served.Wait()
	defer func() { require.NoError(t, l.Close()) }()
	var errs bytes.Buffer
	err = migrateUp(t.Context(), &terminal.Terminal{Out: io.Discard, Err: &errs},
		"postgres://bestow@"+l.Addr().String()+"/bestow?sslmode=require")
	require.ErrorContains(t, err, "speaks no TLS there")
	require.Empty(t, errs.String())
}
