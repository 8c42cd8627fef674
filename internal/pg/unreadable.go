package pg

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// poolSetting finds the name of a setting of the pool in what pgxpool says. Only names that pgxpool knows: any other word
// may be a piece of a password.
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
	case oddPort(url), strings.Contains(said, "invalid port"):
		why = "its port is no number, or a character of the password is not percent-encoded"
	case strings.Contains(said, "configure TLS"):
		why = "its certificate files cannot be used"
	case strings.Contains(said, "pgpool") || poolSetting.MatchString(said):
		why = strings.TrimSuffix("a setting of it cannot be used: "+poolSetting.FindString(said), ": ")
	}
	return errors.New("the address cannot be read: " + why + "; write it as postgres://USER:PASSWORD@HOST:5432/DATABASE")
}

// oddPort reports whether a URL has a port that is no number: a password with a character that is not percent-encoded ends
// the host early, and its beginning stands for the port, which the driver would print.
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
