package domain_test

import (
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// A mask shows too little of an id to find its member.
func TestMaskMember(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"":             "******",
		"m1":           "******",
		"1234567":      "******",
		"12345678":     "12******78",
		"M93000067":    "M9******67",
		"M93000067890": "M9********90",
		"김영희박철수이순신":    "김영******순신",
	} {
		require.Equal(t, want, domain.MaskMember(id), id)
	}
}
