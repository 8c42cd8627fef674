package settings

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Production speaks to a PostgreSQL on another machine by TLS, or in plain text if somebody wrote so: never as the
// server likes (S15). The error does not repeat the password.
func TestProductionSaysHowPostgreSQLIsReached(t *testing.T) {
	t.Parallel()
	const says = "does not say whether PostgreSQL is reached by TLS"
	for url, refused := range map[string]bool{
		"postgres://bestow:s3cret@db:5432/bestow":                                    true,
		"postgres://bestow:s3cret@db:5432/bestow?sslmode=prefer":                     true,
		"postgres://bestow:s3cret@db:5432/bestow?sslmode=allow":                      true,
		"host=db user=bestow password=s3cret":                                        true,
		"postgres://bestow:s3cret@127.0.0.1:5432,db:5432/bestow":                     true,
		"postgres://bestow:s3cret@127.0.0.1.example:5432/bestow":                     true,
		"postgres://bestow:s3cret@db:5432/bestow?sslmode=disable":                    false,
		"postgres://bestow:s3cret@db:5432/bestow?sslmode=require":                    false,
		"postgres://bestow:s3cret@db:5432/bestow?sslmode=verify-full":                false,
		"postgres://bestow:s3cret@127.0.0.1:5432/bestow":                             false,
		"postgres://bestow:s3cret@localhost:5432/bestow":                             false,
		"postgres://bestow:s3cret@[::1]:5432/bestow":                                 false,
		"postgres://bestow:s3cret@/bestow?host=/var/run/postgresql":                  false,
		"postgres://bestow:s3cret@127.0.0.1:5432,db:5432/bestow?sslmode=verify-full": false,
		"": false,
	} {
		for name, c := range map[string]Config{
			"DATABASE_URL": {Env: "production", DatabaseURL: url}, "BESTOW_MIGRATE_URL": {Env: "production", MigrateURL: url},
		} {
			err := c.checkDatabases()
			if !refused {
				require.NoError(t, err, url)
				continue
			}
			require.ErrorContains(t, err, name+" "+says, url)
			require.NotContains(t, err.Error(), "s3cret")
		}
		require.NoError(t, Config{Env: "development", DatabaseURL: url}.checkDatabases(), url)
	}
}
