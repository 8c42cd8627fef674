package pg

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// poolSetting finds the name of a setting of the pool in what pgxpool says. Only names that pgxpool knows: any other
// word may be a piece of a password.
var poolSetting = regexp.MustCompile(`pool_(max_conn_lifetime_jitter|max_conn_lifetime|max_conn_idle_time|max_conns|` +
	`min_conns|min_idle_conns|health_check_period|ping_timeout)`)

// unreadable says why an address cannot be read, in words of our own: an address that is wrong may have its password
// anywhere, and what the driver says quotes it.
func unreadable(url string, err error) error {
	said := fmt.Sprint(err)
	why := "it is neither a URL nor key=value pairs"
	switch {
	case !strings.Contains(url, "://") && !strings.Contains(url, "="):
		why = "it has no scheme"
	case strings.Contains(said, "sslmode is invalid"):
		why = "it has an sslmode that PostgreSQL does not know"
	case errors.Is(err, errOddSetting):
		why = "it has a setting that no address has; further ones are written as options=-c%20NAME=VALUE"
	case errors.Is(err, errOddHost):
		why = "its host is none, or a character of the password is not percent-encoded"
	case oddPort(url), strings.Contains(said, "invalid port"):
		why = "its port is no number, or a character of the password is not percent-encoded"
	case strings.Contains(said, "configure TLS"):
		why = "its certificate files cannot be used"
	case strings.Contains(said, "pgpool") || poolSetting.MatchString(said):
		why = strings.TrimSuffix("a setting of it cannot be used: "+poolSetting.FindString(said), ": ")
	}
	return errors.New("the address cannot be read: " + why +
		"; write it as postgres://USER:PASSWORD@HOST:5432/DATABASE")
}

// oddPort reports whether a URL has a port that is no number: a password with a character that is not percent-encoded
// ends the host early, and its beginning stands for the port, which the driver would print.
func oddPort(url string) bool {
	_, rest, isURL := strings.Cut(url, "://")
	if !isURL {
		return false
	}
	hosts, _, _ := strings.Cut(rest, "/")
	hosts = hosts[strings.LastIndexByte(hosts, '@')+1:]
	if end := strings.IndexAny(hosts, "?#"); end >= 0 {
		hosts = hosts[:end]
	}
	for host := range strings.SplitSeq(hosts, ",") {
		port := host[strings.LastIndexByte(host, ':')+1:]
		if len(port) < len(host) && !strings.HasSuffix(host, "]") && strings.Trim(port, "0123456789") != "" {
			return true
		}
	}
	return strings.Contains(rest, "#")
}

// What the driver accepts unchecked and would send to the network or the server.
var (
	errOddHost    = errors.New("the host is none")
	errOddSetting = errors.New("the setting is none")
)

// odd refuses what can only be a piece of a password, or an address for other programs, before a name server, a
// server's log or an error gets it.
func odd(url string, c *pgconn.Config) error {
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		if _, rest, _ := strings.Cut(url, "://"); strings.Count(rest, "@") > 1 ||
			strings.Contains(afterHosts(rest), "@") {
			return errOddHost
		}
	}
	if oddHost(c.Host) || strings.ContainsAny(c.Database, "@;") {
		return errOddHost
	}
	for _, f := range c.Fallbacks {
		if oddHost(f.Host) {
			return errOddHost
		}
	}
	for name := range c.RuntimeParams {
		if !settable[strings.ToLower(name)] && !customSetting.MatchString(name) {
			return errOddSetting
		}
	}
	return nil
}

// afterHosts returns the path and the query of a URL without its scheme.
func afterHosts(rest string) string {
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		return rest[end:]
	}
	return ""
}

// hostName matches a name, an address of IPv4, and a name that is not ASCII.
var hostName = regexp.MustCompile(`^[\pL\pN._-]+$`)

// oddHost reports whether a host is no name, no address and no folder of a socket.
func oddHost(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@/") || hostName.MatchString(host) {
		return false
	}
	_, err := netip.ParseAddr(host)
	return err != nil && host != ""
}

// customSetting matches a setting of an extension or of an application's own.
var customSetting = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$`)

// settable are the settings of a session that an address may name by themselves.
var settable = func() map[string]bool {
	names := map[string]bool{}
	for name := range strings.FieldsSeq(`application_name bytea_output client_encoding client_min_messages datestyle
		default_transaction_deferrable default_transaction_isolation default_transaction_read_only extra_float_digits
		idle_in_transaction_session_timeout idle_session_timeout intervalstyle jit lock_timeout maintenance_work_mem options
		plan_cache_mode role row_security search_path standard_conforming_strings statement_timeout synchronous_commit
		tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval tcp_user_timeout temp_buffers
		temp_file_limit timezone transaction_timeout work_mem`) {
		names[name] = true
	}
	return names
}()
