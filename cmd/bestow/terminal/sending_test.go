package terminal

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What a person sees of an upload, which arrives whole: how much of it was sent, and then that the service is at work.
func TestSendingSaysWhatIsGoingOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size       int64
		half, rest string
	}{
		"a file":   {2_000_000, "sending  50 % of 2.0 MB", "sent 2.0 MB; the service checks and stores the list … 0 s"},
		"a stream": {0, "sending  1.0 MB", "sent 2.0 MB; the service checks and stores the list … 0 s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := strings.Repeat("list", 500_000)
			s := &Sending{body: strings.NewReader(list), size: c.size}
			var got strings.Builder
			_, err := io.CopyN(&got, s, 1_000_000)
			require.NoError(t, err)
			require.Equal(t, c.half, s.state())
			_, err = io.Copy(&got, s)
			require.NoError(t, err)
			require.Equal(t, list, got.String())
			require.Equal(t, c.rest, s.state())
		})
	}
}

// A person sees what is waited for, and nothing of it is left at the end.
func TestAwaitSaysWhatIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var errs strings.Builder
		end := (&Terminal{Err: &errs, Interactive: true}).Await("the service compares")
		<-time.After(1500 * time.Millisecond)
		end()
		require.Contains(t, errs.String(), "\r\x1b[Kthe service compares … 0 s")
		require.Contains(t, errs.String(), "\r\x1b[Kthe service compares … 1 s")
		require.True(t, strings.HasSuffix(errs.String(), "\r\x1b[K"))
	})
}
