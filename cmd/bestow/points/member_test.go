package points

import (
	"testing"

	"bestow/cmd/bestow/terminal"

	"github.com/stretchr/testify/require"
)

// The id of a member is found in the spelling of the ledger, however a terminal composes its letters.
func TestMemberID(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{" kim ": "kim", "\u1112\u116c\u110b\u116f\u11ab": "회원", "a b": "a b"} {
		got, err := memberArg{typed}.id()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := memberArg{" "}.id()
	require.ErrorContains(t, err, "the member's id is empty")
	require.ErrorAs(t, err, new(terminal.UsageError))
}

// A command that is printed can be typed, whatever the id.
func TestShellWord(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"kim-1": "kim-1", "회원": "회원", "a b": "'a b'", "o'neil": `'o'\''neil'`,
		"$(x)": "'$(x)'", "": "''", "é": "'é'",
	} {
		require.Equal(t, want, shellWord(id))
	}
}
