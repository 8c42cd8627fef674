package settings

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// secretive lists the settings, and names close to one, whose values no error may repeat: each may hold a password.
var secretive = []string{
	"DATABASE_URL", "BESTOW_MIGRATE_URL", "KAFKA_BROKERS", "BESTOW_ADDR", "BESTOW_OPS_ADDR", "BESTOW_ADMIN_KEY",
	"BESTOW_MASTER_KEY",
	"BESTOW_MASTER_KEY_FILE", "BESTOW_KEY", "BESTOW_URL", "BESTOW_ADMIN_KEY_FILE", "DATABASE_URL_FILE",
	"KAFKA_SASL_PASSWORD", "KAFKA_SASL_PASSWORD_FILE", "KAFKA_SASL_TOKEN_FILE", "KAFKA_SASL_MECHANISM", "KAFKA_TLS",
	"KAFKA_BOOTSTRAP_SERVERS", "BESTOW_MASTERKEY", "BESTOW_MONEY_TOKEN",
}

// FuzzSettings gives any setting any value: there is no panic, and no error repeats a secret value of 8 bytes or more.
func FuzzSettings(f *testing.F) {
	names := slices.Clone(secretive)
	for _, s := range List() {
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	for i := range names {
		f.Add(uint8(i), "u:s3cret-pass@host:9092,k:0")
		f.Add(uint8(i), "-99999999999999999999")
		f.Add(uint8(i), "3h\xff")
	}
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		name := names[int(which)%len(names)]
		if strings.Contains(value, "\x00") {
			return // an environment cannot hold it
		}
		err := loadedWith(t, name, value)
		if err == nil || len(value) < 8 || !slices.Contains(secretive, name) {
			return
		}
		if other := loadedWith(t, name, "?"); other != nil && strings.Contains(other.Error(), value) {
			return // the error says this for every value
		}
		require.NotContains(t, err.Error(), value, name)
	})
}

// loadedWith reads the settings of production, which are checked most strictly, with one of them set to a value.
func loadedWith(t *testing.T, name, value string) error {
	t.Helper()
	t.Setenv("BESTOW_ENV", "production")
	t.Setenv(name, value)
	cfg, err := Load()
	_, noMaster := cfg.Master()
	return errors.Join(err, noMaster)
}
