package moneydb_test

import (
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money/moneydb"

	"github.com/stretchr/testify/require"
)

func TestNew(t *testing.T) {
	t.Parallel()
	b := moneytest.Setup(t)
	zone, err := moneydb.DefaultZone()
	require.NoError(t, err)
	require.Equal(t, "Asia/Seoul", zone)
	_, err = moneydb.New(moneydb.Config{})
	require.ErrorContains(t, err, "database pool")
	for _, zone := range []*time.Location{time.Local, time.FixedZone("KST", 9*3600), time.FixedZone("", 0)} {
		c := b.Config
		c.Location = zone
		_, err = moneydb.New(c)
		require.ErrorContains(t, err, "IANA")
	}
}
