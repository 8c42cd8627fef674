package pg_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bestow/internal/pg"
	"bestow/internal/pgtest"
	"bestow/internal/proc"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"
)

// pooler is a pooler of the test's own: as many sessions of a server as it was made with, which it lends its clients.
type pooler struct {
	testing.TB
	listener net.Listener
	idle     chan *pgconn.PgConn // the one that came back first is lent first
	session  bool                // lends one for as long as the client stays, not for each transaction
}

// newPooler returns the address of a pooler before the database at address.
func newPooler(t *testing.T, address string, sessions int, perSession bool) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &pooler{TB: t, listener: l, idle: make(chan *pgconn.PgConn, sessions), session: perSession}
	for range sessions {
		server, err := pgconn.Connect(t.Context(), address)
		require.NoError(t, err)
		p.idle <- server
	}
	t.Cleanup(func() {
		_ = l.Close()
		for range sessions { // each comes back when its client has gone
			_ = (<-p.idle).Close(context.Background())
		}
	})
	go p.accept()
	return at(t, address, l.Addr().String())
}

// at is address on another host.
func at(t *testing.T, address, host string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	u.Host = host
	return u.String()
}

func (p *pooler) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			_ = p.serve(conn) // an error: the client has gone
		}()
	}
}

// serve lends a client sessions until it leaves.
func (p *pooler) serve(conn net.Conn) error {
	client := pgproto3.NewBackend(conn, conn)
	if _, err := client.ReceiveStartupMessage(); err != nil {
		return err
	}
	client.Send(&pgproto3.AuthenticationOk{})
	client.Send(&pgproto3.ParameterStatus{Name: "server_encoding", Value: "UTF8"})
	client.Send(&pgproto3.BackendKeyData{ProcessID: rand.Uint32N(1 << 30), SecretKey: []byte{1, 2, 3, 4}})
	client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	var server *pgconn.PgConn
	defer func() {
		if server != nil {
			_, _ = server.Exec(context.Background(), `ROLLBACK`).ReadAll()
			p.idle <- server
		}
	}()
	for {
		if err := client.Flush(); err != nil {
			return err
		}
		message, err := client.Receive()
		if err != nil {
			return err
		}
		query, ok := message.(*pgproto3.Query)
		if !ok {
			return errors.New("it only knows queries")
		}
		if server == nil {
			server = <-p.idle
		}
		if err := relay(client, server, query.String); err != nil {
			return err
		}
		if !p.session && server.TxStatus() == 'I' {
			p.idle <- server
			server = nil
		}
	}
}

// relay runs a query in a session and gives the client its results.
func relay(client *pgproto3.Backend, server *pgconn.PgConn, query string) error {
	results, err := server.Exec(context.Background(), query).ReadAll()
	if err != nil {
		return err
	}
	for _, r := range results {
		if len(r.FieldDescriptions) > 0 {
			fields := &pgproto3.RowDescription{}
			for _, f := range r.FieldDescriptions {
				fields.Fields = append(fields.Fields,
					pgproto3.FieldDescription{Name: []byte(f.Name), DataTypeOID: f.DataTypeOID})
			}
			client.Send(fields)
			for _, row := range r.Rows {
				client.Send(&pgproto3.DataRow{Values: row})
			}
		}
		client.Send(&pgproto3.CommandComplete{CommandTag: []byte(r.CommandTag.String())})
	}
	client.Send(&pgproto3.ReadyForQuery{TxStatus: server.TxStatus()})
	return nil
}

// A pooler that lends sessions for a transaction is refused, however many it has, and before anything is set in one of
// them; one that keeps them for its clients is as good as none (C15).
func TestPoolersAreToldApart(t *testing.T) {
	t.Parallel()
	for _, sessions := range []int{1, 2, 3, 4, 5, 8} {
		t.Run(fmt.Sprint(sessions), func(t *testing.T) {
			t.Parallel()
			address := pgtest.Empty(t)
			shared := newPooler(t, address, sessions, false)
			_, err := pg.Connect(t.Context(), shared)
			require.ErrorIs(t, err, pg.ErrPooled)
			require.True(t, pg.Refused(err))
			server, err := pgconn.Connect(t.Context(), shared)
			require.NoError(t, err)
			for range sessions {
				result, err := server.Exec(t.Context(), `SHOW plan_cache_mode`).ReadAll()
				require.NoError(t, err)
				require.Equal(t, "auto", string(result[0].Rows[0][0]))
			}
			require.NoError(t, server.Close(t.Context()))
			if sessions == 1 {
				return // the second one, which looks, would find none
			}
			conn, err := pg.Connect(t.Context(), newPooler(t, address, sessions, true))
			require.NoError(t, err)
			result, err := conn.PgConn().Exec(t.Context(), `SHOW plan_cache_mode`).ReadAll()
			require.NoError(t, err)
			require.Equal(t, "force_custom_plan", string(result[0].Rows[0][0]))
			require.NoError(t, conn.Close(t.Context()))
		})
	}
}

// startPgbouncer starts the real one before the database at address and returns its own address. BESTOW_TEST_PGBOUNCER
// says that there must be one.
func startPgbouncer(t *testing.T, address string, settings ...string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/pgbouncer")
	}
	if err != nil && os.Getenv("BESTOW_TEST_PGBOUNCER") == "" {
		t.Skip("the real PgBouncer is not tried, only TestPoolersAreToldApart's: install it (Debian: " +
			"apt-get install pgbouncer)")
	}
	require.NoError(t, err, "install PgBouncer (Debian: apt-get install pgbouncer)")
	u, err := url.Parse(address)
	require.NoError(t, err)
	ports, err := proc.FreePorts(t.Context(), 1)
	require.NoError(t, err)
	password, _ := u.User.Password()
	lines := append([]string{
		"[databases]", fmt.Sprintf("* = host=%s port=%s user=%s password=%s", u.Hostname(), u.Port(), u.User.Username(),
			password),
		"[pgbouncer]", "listen_addr = 127.0.0.1", fmt.Sprintf("listen_port = %d", ports[0]), "unix_socket_dir =",
		"auth_type = any",
	}, settings...)
	file := filepath.Join(t.TempDir(), "pgbouncer.ini")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	args := []string{file}
	if os.Geteuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...)
	}
	cmd := exec.CommandContext(context.Background(), program, args...)
	var said strings.Builder
	cmd.Stderr = &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	host := proc.Address(ports[0])
	require.Eventually(t, func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
		return err == nil && conn.Close() == nil
	}, 10*time.Second, 10*time.Millisecond, "PgBouncer listens")
	return at(t, address, host)
}

// PgBouncer works in pool_mode=session, with nothing else set, and is refused in the others.
func TestPgbouncer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		settings []string
		refused  bool
	}{
		{[]string{"pool_mode = session"}, false},
		{[]string{"pool_mode = session", "server_round_robin = 1"}, false},
		{[]string{"pool_mode = transaction"}, true},
		{[]string{"pool_mode = transaction", "server_round_robin = 1"}, true},
		{[]string{"pool_mode = transaction", "default_pool_size = 1"}, true},
		{[]string{"pool_mode = transaction", "min_pool_size = 5"}, true},
		{[]string{"pool_mode = transaction", "ignore_startup_parameters = extra_float_digits,options"}, true},
		{[]string{"pool_mode = statement"}, true},
	} {
		t.Run(strings.Join(c.settings, ", "), func(t *testing.T) {
			t.Parallel()
			address := pgtest.Empty(t)
			run(t, address, `ALTER DATABASE %s SET default_transaction_isolation = serializable`)
			pool := open(t, startPgbouncer(t, address, c.settings...), pg.Options{MaxConns: 4})
			err := pool.Ping(t.Context())
			if c.refused {
				require.ErrorIs(t, err, pg.ErrPooled)
				return
			}
			require.NoError(t, err)
			for _, conn := range acquire(t, pool, 4) {
				var isolation string
				require.NoError(t,
					conn.QueryRow(t.Context(), `SELECT current_setting($1)`,
						"default_transaction_isolation").Scan(&isolation))
				require.Equal(t, "read committed", isolation)
				conn.Release()
			}
		})
	}
}
