package pg

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// Errors that say what is wrong with a server that answers. To ask it again is no use.
var (
	// ErrPooled is returned for a pooler that gives each transaction another session of the server.
	ErrPooled = errors.New("a pooler stands before PostgreSQL and lends each transaction another session " +
		"(pool_mode=transaction, or statement), but settings and prepared statements belong to one: " +
		"name the server itself, or set pool_mode=session for this database")
	// ErrEncoding is returned for a database that cannot hold every character.
	ErrEncoding = errors.New("the database must be in UTF8, so that it can hold every name: " +
		"make it with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0")
)

// ErrReadOnly is returned for a session that can only read: of a standby, or of a server that was demoted.
var ErrReadOnly = errors.New("the server can only read")

// prepareSession sets what the product needs of a session, but for what the address or PGOPTIONS asks for. Values of
// the server's configuration, ALTER DATABASE and ALTER ROLE do not reach us: they are made for others. A setting that
// the server's version does not know is left out. It does nothing in a session that is another one's by the next
// statement.
//
//	default_transaction_isolation  the house is built for READ COMMITTED: above it, what is read after a wait for a lock is what
//	                               stood there before
//	plan_cache_mode, jit           a generic plan knows no partition; to compile our short statements costs more than they take
//	synchronous_commit             "off" loses commits that were answered; any other value is the operator's to choose
//	*_timeout                      every wait of ours has its bound in a context
//	idle_in_transaction_…          a process that hangs between two statements (SIGSTOP, a network that drops packets) keeps its locks
//	                               for 30 s, and not until it wakes; an import, which waits for its client, sets its own
//	client_connection_…, tcp_…     a session ends soon after its client, also in the middle of a statement: its process is missed
//	search_path                    the schema that has our tables, public before the first migration: a schema that is named as the
//	                               role, which the default path prefers, would hide them
//	the last seven                  how values are read and written
//
// In these seven, and in the isolation, the address has no say.
//
// work_mem is set for it alone: with that of a role the list of settings may need a temporary file, which a role may
// not have.
//
// Its result is: whether the session is the one that the server gave us, and whether it can only read.
//
// Until it has set search_path, the session has one that others may have set, with functions, operators and relations
// of their own in it. So it names the schema of each.
const prepareSession = `SET LOCAL work_mem = '4MB';
	SELECT own, pg_catalog.current_setting('transaction_read_only')::pg_catalog.bool, (
		SELECT pg_catalog.count(pg_catalog.set_config(s.name, w.value, false))
		FROM (VALUES
			('default_transaction_isolation', 'read committed'), ('plan_cache_mode', 'force_custom_plan'), ('jit', 'off'),
			('synchronous_commit', 'on'),
			('statement_timeout', '0'), ('lock_timeout', '0'), ('transaction_timeout', '0'),
			('idle_in_transaction_session_timeout', '30000'), ('idle_session_timeout', '0'),
			('client_connection_check_interval', '1000'), ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'),
			('tcp_keepalives_count', '3'),
			('search_path', coalesce((
				SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_class c
				JOIN pg_catalog.pg_class g ON g.relnamespace OPERATOR(pg_catalog.=) c.relnamespace
				JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
				WHERE c.relname OPERATOR(pg_catalog.=) 'campaign_events'
				AND g.relname OPERATOR(pg_catalog.=) 'goose_db_version'
				ORDER BY c.oid LIMIT 1), 'public')),
			('client_encoding', 'UTF8'), ('standard_conforming_strings', 'on'), ('DateStyle', 'ISO, MDY'),
			('IntervalStyle', 'postgres'), ('TimeZone', 'UTC'), ('bytea_output', 'hex'),
			('quote_all_identifiers', 'off')
		) w (name, value) JOIN pg_catalog.pg_settings s ON s.name OPERATOR(pg_catalog.=) w.name
		WHERE own AND (s.source OPERATOR(pg_catalog.<>) 'client' OR s.name OPERATOR(pg_catalog.=) ANY ('{default_transaction_isolation,client_encoding,standard_conforming_strings,DateStyle,IntervalStyle,TimeZone,bytea_output,quote_all_identifiers}'))
		  AND s.setting OPERATOR(pg_catalog.<>) w.value
		  AND (s.name OPERATOR(pg_catalog.<>) 'client_connection_check_interval' OR pg_catalog.version() OPERATOR(pg_catalog.~) 'linux')
		  AND (s.name OPERATOR(pg_catalog.<>) 'synchronous_commit' OR s.setting OPERATOR(pg_catalog.=) 'off')
	) FROM (VALUES (%t OR pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) %d)) session (own)`

// prepare makes a new session ours, or says why it cannot be.
func (w *watcher) prepare(ctx context.Context, conn *pgconn.PgConn) error {
	// SQL_ASCII takes every byte as it is.
	if e := conn.ParameterStatus("server_encoding"); e != "UTF8" && e != "SQL_ASCII" && e != "" {
		return fmt.Errorf("%w: this one is in %s", ErrEncoding, e)
	}
	own, readOnly, err := setUp(ctx, conn, w.pooler.Load())
	if err == nil && !own {
		if err = refuseShared(ctx, conn, w.plain); err != nil {
			return err
		}
		w.pooler.Store(true)
		_, readOnly, err = setUp(ctx, conn, true)
	}
	if err != nil {
		return fmt.Errorf("set up session: %w", err)
	}
	if readOnly && !w.standby {
		return ErrReadOnly
	}
	return nil
}

func setUp(ctx context.Context, conn *pgconn.PgConn, trusted bool) (own, readOnly bool, err error) {
	results, err := conn.Exec(ctx, fmt.Sprintf(prepareSession, trusted, conn.PID())).ReadAll()
	if err != nil {
		return false, false, err
	}
	row := results[len(results)-1].Rows[0]
	return string(row[0]) == "t", string(row[1]) == "t", nil
}
