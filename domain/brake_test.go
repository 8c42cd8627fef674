package domain_test

import (
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// A brake holds the events of its type, or all of them, and none of a type whose code begins alike.
func TestBrakeScope(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scope domain.BrakeScope
		code  string
		want  bool
	}{
		{domain.BrakeAll, "POINT", true},
		{domain.BrakeOf("POINT"), "POINT", true},
		{domain.BrakeOf("POINT"), "POINT2", false},
		{domain.BrakeOf("POINT2"), "POINT", false},
		{domain.BrakeOf("POINT"), "VOUCHER", false},
		{domain.BrakeOf("ALL"), "POINT", false},
	} {
		require.Equal(t, c.want, c.scope.Covers(c.code), "%s %s", c.scope, c.code)
	}
	code, ok := domain.BrakeOf("POINT").TypeCode()
	require.True(t, ok)
	require.Equal(t, "POINT", code)
	_, ok = domain.BrakeAll.TypeCode()
	require.False(t, ok)
}
