package main

import (
	"io"
	"testing"

	"bestow/cmd/bestow/terminal"

	"github.com/stretchr/testify/require"
)

func TestVerifyCommandUsage(t *testing.T) {
	t.Parallel()
	term := &terminal.Terminal{Out: io.Discard, Err: io.Discard, Env: func(string) string { return "" }}
	for _, args := range [][]string{{"verify", "--mend"}, {"verify", "one", "two"}, {"verify", "-o", "xml"}} {
		require.Equal(t, terminal.ExitUsage, run(t.Context(), args, term), args)
	}
}
