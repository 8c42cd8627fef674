package domain_test

import (
	"errors"
	"strings"
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

func code(t *testing.T, err error) domain.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*domain.Error](err)
	require.True(t, ok, "%v", err)
	require.NotEmpty(t, e.Hint, "an error says what to do")
	return e.Code
}

// An amount is read or refused, never guessed.
func TestParseAmount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"1": 1, "1000": 1000, "007": 7, "1000000000000000": domain.MaxAmount} {
		got, err := domain.ParseAmount(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{
		"1,000", "1000원", "1e3", "+5", "1000.5", "-", "0", "-1", "1000000000000001",
		"9223372036854775808", "-9223372036854775809", " 1", "０", "0x10", "1_000", "NaN",
	} {
		_, err := domain.ParseAmount(text)
		require.Equal(t, domain.BadAmount, code(t, err), text)
	}
	_, err := domain.ParseAmount("")
	require.Equal(t, domain.MissingAmount, code(t, err))
}

func TestCheckMemberID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"0557418298", "회원00001", "kakao_5054a5054c", "user.1+kr@example.com", "a b", "1e", "e5",
		"12e4567", "#1234", "user.10", "1001.5", strings.Repeat("회", 50), "=HYPERLINK(1)", "a/b",
	} {
		require.NoError(t, domain.CheckMemberID(id), id)
	}
	for _, id := range []string{
		"8.21012E+11", "1E-5", strings.Repeat("회", 51), "a\x00b", "a\nb", "a\u202eb",
		"a\u2066b", "\xff",
	} {
		require.Equal(t, domain.BadMember, code(t, domain.CheckMemberID(id)), "%q", id)
	}
	require.Equal(t, domain.MissingMember, code(t, domain.CheckMemberID("")))
}

func TestEventTypeTables(t *testing.T) {
	t.Parallel()
	require.Equal(t, "point_targets", domain.EventType{Code: "POINT"}.TargetTable())
	require.Equal(t, "point_results", domain.EventType{Code: "POINT"}.ResultTable())
	for _, bad := range []string{"", "point", "1POINT", `P"; DROP`, strings.Repeat("A", 21)} {
		require.False(t, domain.ValidTypeCode(bad), bad)
	}
	require.True(t, domain.ValidTypeCode("GIFT_CARD2"))
}

// An id is a number as the product writes it; a number in another form is a name.
func TestParseID(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"1": 1, "42": 42, "9223372036854775807": 9223372036854775807,
		"": 0, "0": 0, "007": 0, "+7": 0, "-7": 0, "7 ": 0, "0x7": 0, "1_0": 0, "٧": 0, "9223372036854775808": 0,
	} {
		id, ok := domain.ParseID(s)
		require.Equal(t, want > 0, ok, s)
		if ok {
			require.Equal(t, want, id)
		}
	}
}
