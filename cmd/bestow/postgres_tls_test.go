package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/upkeep"
	"bestow/internal/certtest"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// speakTLS gives the server of w a certificate. Files of the server's account can be made by the server alone.
func (s server) speakTLS(p certtest.Pair) {
	s.Helper()
	for name, from := range map[string]string{"server.crt": p.CertFile, "server.key": p.KeyFile} {
		body, err := os.ReadFile(from)
		require.NoError(s, err)
		s.exec(fmt.Sprintf(`COPY (SELECT line FROM unnest(string_to_array('%s', '|')) line)
			TO PROGRAM 'umask 077; cat > %s'`, strings.ReplaceAll(strings.TrimSpace(string(body)), "\n", "|"), name))
	}
	s.exec(`ALTER SYSTEM SET ssl = on`, takeSettings)
}

// address is the address of w's database with other settings of TLS.
func (w *world) address(settings ...string) string {
	w.Helper()
	u, err := url.Parse(w.cfg.DatabaseURL)
	require.NoError(w, err)
	q := url.Values{}
	for i := 0; i < len(settings); i += 2 {
		q.Set(settings[i], settings[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// distant is a connection whose other end seems to be on another machine.
type distant struct{ net.Conn }

func (distant) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5432} }

// fromFar is what the doctor says of the connection, at an address, as if the server were on another machine.
func (w *world) fromFar(address string) string {
	w.Helper()
	c, err := pg.Config(address, pg.Options{MaxConns: 3})
	require.NoError(w, err)
	dial := c.ConnConfig.DialFunc
	c.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return distant{conn}, nil
	}
	pool, err := pgxpool.NewWithConfig(w.Context(), c)
	require.NoError(w, err)
	defer pool.Close()
	return saidOf(upkeep.Examine(w.Context(), w.cfg, pool, time.Now), "database tls")
}

// DATABASE_URL says how PostgreSQL is reached. Where the two do not agree, a start ends at once and says what to
// change, and so does the doctor; of a connection to another machine the doctor says what it is worth.
func TestPostgreSQLByTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.ownServer()
	refused := func(address string, says ...string) {
		t.Helper()
		w.cfg.DatabaseURL = address
		_, err := daemon.New(t.Context(), w.cfg, []string{daemon.RoleJobs}, w.log, daemon.Overrides{})
		pool, poolErr := daemon.OpenPool(t.Context(), w.cfg)
		require.NoError(t, poolErr)
		defer pool.Close()
		said := saidOf(upkeep.Examine(t.Context(), w.cfg, pool, time.Now), "database")
		for _, part := range says {
			require.ErrorContains(t, err, part)
			require.Contains(t, said, part)
		}
		require.True(t, pg.Refused(err), "%v", err)
	}
	refused(w.address("sslmode", "require"), "speaks no TLS there", "sslmode")

	a, other := certtest.New(t), certtest.New(t)
	s.speakTLS(a.Server())
	full := w.address("sslmode", "verify-full", "sslrootcert", a.File)
	w.cfg.DatabaseURL = full
	p, stop := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	require.Equal(t, "true", w.text(`SELECT bool_and(ssl)::text FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
		WHERE application_name = 'bestow' AND pid <> pg_backend_pid() AND backend_start > pg_conf_load_time()`), "no session is in plain text")
	e := w.event(p, "POINT", 1_000)
	w.run(p, e)
	w.exact(p, w.completed(p, e.ID))
	stop()

	require.Equal(t, "ok: TLS 1.3, and the server's certificate and name are checked", w.fromFar(full))
	require.Equal(t, "ok: TLS 1.3, and the server's certificate is checked, but not its name",
		w.fromFar(w.address("sslmode", "verify-ca", "sslrootcert", a.File)))
	require.Contains(t, w.fromFar(w.address("sslmode", "require")), "warning: TLS 1.3, but the server's certificate is not "+
		"checked")
	require.Contains(t, w.fromFar(w.address("sslmode", "disable")), "warning: what this machine and PostgreSQL at 192.0.2.1 "+
		"say to each other is not encrypted: write sslmode=verify-full")
	w.cfg.DatabaseURL = w.address("sslmode", "disable")
	require.Equal(t, "ok: plain text, which does not leave this machine", saidOf(w.examined(), "database tls"))

	refused(w.address("sslmode", "verify-full", "sslrootcert", other.File), "sslrootcert=FILE")
	s.speakTLS(a.Issue("postgres.example.com", time.Now().Add(time.Hour)))
	require.Eventually(t, func() bool {
		conn, err := pg.Connect(t.Context(), full)
		return err != nil || conn.Close(t.Context()) != nil
	}, 10*time.Second, 20*time.Millisecond, "the server takes its new certificate in a moment")
	refused(full, "for another name", "postgres.example.com")
	s.speakTLS(a.Issue("127.0.0.1", time.Now().Add(-time.Hour)))
	require.Eventually(t, func() bool {
		_, err := pg.Connect(t.Context(), full)
		return err != nil && strings.Contains(err.Error(), "expired")
	}, 10*time.Second, 20*time.Millisecond)
	refused(full, "renew it")
}
