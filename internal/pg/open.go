package pg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Options say how a database is opened; the zero value suits a process that writes.
type Options struct {
	MaxConns int32 // 0: what the address says, else pgxpool's own
	// Standby takes servers, and sessions, that can only read. Without it they are refused, so that of several hosts
	// the one that can write is found.
	Standby bool
	// Presence makes every session one of its process's life; nil: the sessions are of no process.
	Presence *Presence
}

const (
	// connectTimeout bounds the time of one host to give a session, unless the address has a limit: a dead host must
	// not keep us from the next.
	connectTimeout = 5 * time.Second
	// pingTimeout bounds the check of an idle session.
	pingTimeout = 5 * time.Second
	// cacheCapacity is the number of prepared statements that a session keeps.
	cacheCapacity = 512
)

// keepAlive detects within half a minute that a server is gone without having closed the connection.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}

// Config reads the address of a database, in every spelling that libpq and pgxpool know: postgres://…, key=value, a
// service, several hosts, pool_*; PG* variables fill in what it leaves out. Sessions that are opened with it are ours:
// they set what the product needs of a session, leave a server that can only read, and refuse a pooler that shares
// them.
func Config(url string, o Options) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(url)
	if err == nil {
		err = odd(url, &c.ConnConfig.Config)
	}
	if err != nil || oddPort(url) {
		return nil, unreadable(url, err)
	}
	if o.MaxConns > 0 {
		c.MaxConns = o.MaxConns
	}
	c.MinConns, c.MinIdleConns = min(c.MinConns, c.MaxConns), min(c.MinIdleConns, c.MaxConns)
	if c.HealthCheckPeriod <= 0 {
		c.HealthCheckPeriod = time.Minute // pgxpool panics
	}
	if c.PingTimeout <= 0 {
		c.PingTimeout = pingTimeout
	}
	cc := c.ConnConfig
	// Statements are always prepared, even if the address says otherwise: results are then binary, and plans as we
	// expect.
	cc.DefaultQueryExecMode, cc.StatementCacheCapacity = pgx.QueryExecModeCacheStatement, cacheCapacity
	if cc.ConnectTimeout == 0 {
		cc.ConnectTimeout = connectTimeout
	}
	dialer := &net.Dialer{Timeout: cc.ConnectTimeout, KeepAliveConfig: keepAlive}
	cc.DialFunc = dialer.DialContext
	if cc.RuntimeParams["application_name"] == "" {
		cc.RuntimeParams["application_name"] = "bestow" // seen in pg_stat_activity
	}
	watch(c, o)
	return c, nil
}

// Open returns a pool of sessions as of Config. It does not connect yet.
func Open(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	c, err := Config(url, o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return pool, nil
}

// OpenToRead returns a pool for what only reads: of a server that can be written to, and where there is none of one
// that can only be read. A server that has lost its role is not read while the one that has it now is there.
func OpenToRead(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	pool, err := Open(ctx, url, o)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); !errors.Is(err, ErrReadOnly) {
		return pool, nil // any other error is the first statement's
	}
	pool.Close()
	o.Standby = true
	return Open(ctx, url, o)
}

// Connect returns one session as of Config.
func Connect(ctx context.Context, url string) (*pgx.Conn, error) {
	c, err := Config(url, Options{})
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, c.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return conn, nil
}

// overruled finds the settings of an address that this package decides itself.
var overruled = regexp.MustCompile(
	`\b(pool_max_conns|default_query_exec_mode|statement_cache_capacity|description_cache_capacity)\s*=`)

// Overruled returns the names of the settings in an address that have no effect on sessions of this package.
func Overruled(url string) (names []string) {
	for _, found := range overruled.FindAllStringSubmatch(url, -1) {
		names = append(names, found[1])
	}
	return names
}
