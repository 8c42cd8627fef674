package money_test

import (
	"testing"

	"bestow/money"

	"github.com/stretchr/testify/require"
)

func TestParseTxID(t *testing.T) {
	t.Parallel()
	kind, id, err := money.ParseTxID("P1234567890123456789")
	require.NoError(t, err)
	require.Equal(t, money.Points, kind)
	require.EqualValues(t, 1234567890123456789, id)
	kind, id, err = money.ParseTxID("V7")
	require.NoError(t, err)
	require.Equal(t, money.Vouchers, kind)
	require.EqualValues(t, 7, id)
	for _, bad := range []string{
		"", "P", "7", "p7", "X7", "P-7", "P+7", "P07", "P0", "P 7", "P7 ", "P7a",
		"P9223372036854775808", "V１",
	} {
		_, _, err := money.ParseTxID(bad)
		require.Error(t, err, bad)
	}
}
