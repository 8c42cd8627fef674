package pg_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

// spellings are addresses of one database, each by another way of writing it.
func spellings(t *testing.T, address string) map[string]string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	password, _ := u.User.Password()
	words := fmt.Sprintf("host=%s port=%s user=%s password='%s' dbname=%s sslmode=disable", u.Hostname(), u.Port(),
		u.User.Username(), password, u.Path[1:])
	service := filepath.Join(t.TempDir(), "pg_service.conf")
	file := fmt.Sprintf("[bestow]\nhost=%s\nport=%s\nuser=%s\npassword=%s\ndbname=%s\nsslmode=disable\n", u.Hostname(),
		u.Port(), u.User.Username(), password, u.Path[1:])
	require.NoError(t, os.WriteFile(service, []byte(file), 0o600))
	hosts := *u
	hosts.Host = "127.0.0.1:1," + u.Host
	all := map[string]string{
		"key=value":            words,
		"key=value and a pool": words + " pool_max_conns=7 default_query_exec_mode=exec",
		"a service":            "service=bestow servicefile=" + service,
		"several hosts":        hosts.String(),
		"several hosts, in words": fmt.Sprintf("host=127.0.0.1,%s port=1,%s user=%s password='%s' dbname=%s "+
			"sslmode=disable", u.Hostname(), u.Port(), u.User.Username(), password, u.Path[1:]),
		"postgresql://": "postgresql" + address[len("postgres"):],
	}
	for _, s := range []string{
		"default_query_exec_mode=exec", "default_query_exec_mode=simple_protocol",
		"default_query_exec_mode=cache_describe",
		"default_query_exec_mode=describe_exec", "default_query_exec_mode=cache_statement",
		"statement_cache_capacity=0", "description_cache_capacity=0",
		"pool_max_conns=10", "pool_max_conns=1", "pool_min_conns=50", "pool_min_idle_conns=50",
		"pool_max_conn_lifetime=0s",
		"pool_max_conn_idle_time=0s", "pool_max_conn_lifetime_jitter=1m", "pool_health_check_period=0s",
		"pool_health_check_period=-1s",
		"pool_ping_timeout=1s",
		"target_session_attrs=any", "target_session_attrs=read-write", "target_session_attrs=primary",
		"target_session_attrs=prefer-standby",
		"application_name=points", "connect_timeout=0", "connect_timeout=3", "search_path=public",
		"options=-c search_path=public",
		"statement_timeout=30s", "timezone=Asia/Seoul", "sslmode=prefer", "sslmode=allow",
	} {
		all[s] = with(t, address, s)
	}
	return all
}

// Each spelling of an address opens, and values come back the same (C15).
func TestEverySpellingOpens(t *testing.T) {
	t.Parallel()
	for name, address := range spellings(t, pgtest.URL(t)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := open(t, address, pg.Options{MaxConns: 3})
			require.LessOrEqual(t, pool.Config().MaxConns, int32(3))
			var numbers []int64
			var text *string
			require.NoError(t,
				pool.QueryRow(t.Context(), `SELECT $1::bigint[], $2::text`, []int64{1, 2}, nil).Scan(&numbers, &text))
			require.Equal(t, []int64{1, 2}, numbers)
			rows, err := pool.Query(t.Context(), `SELECT 258::int4`)
			require.NoError(t, err)
			for rows.Next() {
				require.Equal(t, []byte{0, 0, 1, 2}, rows.RawValues()[0], "binary")
			}
			require.NoError(t, rows.Err())
			conn, err := pg.Connect(t.Context(), address)
			require.NoError(t, err)
			require.NoError(t, conn.Close(context.WithoutCancel(t.Context())))
		})
	}
}

func TestOverruled(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"pool_max_conns", "default_query_exec_mode"},
		pg.Overruled("postgres://h/d?pool_max_conns=3&default_query_exec_mode=exec"))
	require.Equal(t, []string{"statement_cache_capacity"}, pg.Overruled("host=h statement_cache_capacity = 0"))
	require.Empty(t, pg.Overruled("postgres://h/pool_max_conns?connect_timeout=1"))
}
