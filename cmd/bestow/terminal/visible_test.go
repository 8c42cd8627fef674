package terminal

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// What a file contains cannot change a terminal, and a pipe gets it as it is.
func TestControlCharactersAreSeen(t *testing.T) {
	t.Parallel()
	const text = "M\x1b[31mX,0,\x1b]0;pwn\x07\r\n회원\t1\rover\u009b2J \u202ekim\r"
	for columns, want := range map[int]string{
		0:  text,
		80: "MU+001B[31mX,0,U+001B]0;pwnU+0007\r\n회원\t1U+000DoverU+009B2J U+202EkimU+000D",
	} {
		var out strings.Builder
		w, flush := (&Terminal{Out: &out, Screen: Screen{Columns: columns}}).Visible()
		_, err := io.Copy(struct{ io.Writer }{w}, struct{ io.Reader }{iotest.OneByteReader(strings.NewReader(text))})
		require.NoError(t, err)
		require.NoError(t, flush())
		require.Equal(t, want, out.String())
	}
}
