package pg_test

import (
	"strings"
	"testing"

	"bestow/internal/pg"

	"github.com/stretchr/testify/require"
)

// C19: an address that cannot be read is not repeated, wherever its password stands.
func TestC19AddressIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"u:s3cret@host", "u:s3cret@host:5432/db", "postgresql:u:s3cret@host", "POSTGRES://u:s3cret@host/db",
		"mysql://u:s3cret@host/db",
		"postgres://u:s3cret@host:port/db", "postgres://u:s3cret/x@host/db", "postgres://u:s3cret#x@host/db",
		"postgres://u:s3cret%zz@host/db",
		"postgres://u:s3cret@host/db?sslmode=s3cret", "host=h password=s3cret x", "host=h password='s3cret",
		"host=h password=s3cret sslmode=x", "host=h port=s3cret",
		"postgres://u:s3cret@host/db?pool_max_conns=s3cret",
		"postgres://u:s3cret@host/db?sslmode=verify-full&sslrootcert=/s3cret", "jdbc:postgresql://u:s3cret@host/db",
		"s3cret",
		"postgres://u:p@s3cret@127.0.0.1:1/x", "postgres://u:12/s3cret@127.0.0.1:1/x",
		"postgres://u:a@s3cret/b@127.0.0.1:1/x", "postgres://u:12?s3cret@h/db",
		"host=127.0.0.1;port=1;password=s3cret", "host=u:s3cret@127.0.0.1 port=1",
		"host=127.0.0.1 user=b password=my s3cret=1 dbname=b",
		"host=127.0.0.1 password=my s3cret", "jdbc:postgresql://127.0.0.1:1/b?user=u&password=s3cret",
		"DATABASE_URL=postgres://u:s3cret@h/d",
		"Server=127.0.0.1;Port=1;User Id=u;Password=s3cret", "postgres://h/db?password=a&b&s3cret=1",
		"postgres://h1,u:p@s3cret@h2/db",
		"postgres://u:s3cret@host/db?pool_max_conn_lifetime=s3cret", "postgres://u:s3cret@host/\x00",
		"postgres://u:s3cret@host/db?connect_timeout=s3cret",
	} {
		_, err := pg.Config(address, pg.Options{})
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), "s3cret")
		require.Contains(t, err.Error(), "postgres://USER:PASSWORD@HOST", "what to write")
	}
}

// FuzzAddress reads any address: no panic, and no piece of it in an error.
func FuzzAddress(f *testing.F) {
	for _, address := range []string{
		"u:s3cret@host", "postgres://u:s3cret@host:x/db", "host=h password='s3cret",
		"postgres://u:s3cret@h/d?pool_max_conns=x",
	} {
		f.Add(address)
	}
	words := ""
	for _, why := range []string{
		"it has a setting that no address has; further ones are written as options=-c%20NAME=VALUE",
		"its host is none, or a character of the password is not percent-encoded",
		"it is neither a URL nor key=value pairs", "it has no scheme",
		"it has an sslmode that PostgreSQL does not know",
		"its port is no number, or a character of the password is not percent-encoded",
		"its certificate files cannot be used", "a setting of it cannot be used",
		"a setting of it cannot be used: pool_max_conns", "a setting of it cannot be used: pool_min_conns",
		"a setting of it cannot be used: pool_min_idle_conns",
		"a setting of it cannot be used: pool_max_conn_lifetime",
		"a setting of it cannot be used: pool_max_conn_lifetime_jitter",
		"a setting of it cannot be used: pool_max_conn_idle_time",
		"a setting of it cannot be used: pool_health_check_period",
		"a setting of it cannot be used: pool_ping_timeout",
	} {
		words += "the address cannot be read: " + why + "; write it as postgres://USER:PASSWORD@HOST:5432/DATABASE\n"
	}
	f.Fuzz(func(t *testing.T, address string) {
		_, err := pg.Config("postgres://u:"+address+"@h/d", pg.Options{})
		if err == nil {
			_, err = pg.Config(address, pg.Options{})
		}
		if err == nil {
			return
		}
		for i := 0; i+4 <= len(address); i++ { // four bytes of a password are one too many
			piece := address[i : i+4]
			require.True(t, !strings.Contains(err.Error(), piece) || strings.Contains(words, piece), "%q is in %q",
				piece, err)
		}
	})
}
