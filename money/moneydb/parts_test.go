package moneydb_test

import (
	"testing"

	"bestow/money/breaker"
	"bestow/money/grants"
	"bestow/money/points"
	"bestow/money/vouchers"

	"github.com/stretchr/testify/require"
)

// A part of a ledger is whole, or its error says what it lacks.
func TestPartsSayWhatTheyLack(t *testing.T) {
	t.Parallel()
	_, err := grants.New(grants.Config{})
	require.ErrorContains(t, err, "grants of a ledger need a pool")
	_, err = points.New(points.Config{})
	require.ErrorContains(t, err, "lots need a pool")
	_, err = vouchers.New(vouchers.Config{})
	require.ErrorContains(t, err, "vouchers need a pool")
	_, err = breaker.New(breaker.Config{Name: "money"})
	require.ErrorContains(t, err, "a breaker needs a ledger")
}
