package settings

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// checkDatabases refuses in production a PostgreSQL on another machine that is reached by TLS or in plain text, as the
// server likes. That is what happens without an sslmode, and whoever stands in the middle likes plain text.
func (c Config) checkDatabases() error {
	if c.Env != "production" {
		return nil
	}
	return errors.Join(checkEncryption("DATABASE_URL", c.DatabaseURL), checkEncryption("BESTOW_MIGRATE_URL", c.MigrateURL))
}

func checkEncryption(setting, url string) error {
	if url == "" {
		return nil
	}
	conf, err := pgconn.ParseConfig(url)
	if err != nil {
		return nil //nolint:nilerr // who connects says what is wrong with it, and repeats no password
	}
	plain, encrypted := false, false
	note := func(host string, by *tls.Config) {
		if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || isLoopback(host) {
			return // a socket or a port of this machine
		}
		plain, encrypted = plain || by == nil, encrypted || by != nil
	}
	note(conf.Host, conf.TLSConfig)
	for _, f := range conf.Fallbacks {
		note(f.Host, f.TLSConfig)
	}
	if plain && encrypted {
		return fmt.Errorf("%s does not say whether PostgreSQL is reached by TLS: production needs sslmode=verify-full and "+
			"sslrootcert=FILE in it, or sslmode=disable to send everything in plain text all the same", setting)
	}
	return nil
}
