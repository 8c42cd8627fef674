package campaigns

import (
	"errors"
	"sync"
	"testing"
	"time"

	"bestow/http/console/page"
	"bestow/http/console/words"

	"github.com/stretchr/testify/require"
)

// Any number of readers who see the same cost one drawing of each moment. What cannot be drawn is tried again, and what
// nobody reads any more is forgotten.
func TestDrawnOnce(t *testing.T) {
	t.Parallel()
	d := &drawn{made: map[drawnKey]drawing{}}
	korean := keyOf(page.View{Words: words.In(words.Korean)}, "runs", 0)
	at, draws := time.Now(), 0
	draw := func() (moment, error) {
		draws++
		return moment{Texts: map[string]string{"ok": "1"}}, nil
	}
	_, err := d.get(korean, at, func() (moment, error) { return moment{}, errors.New("away") })
	require.EqualError(t, err, "away")
	var readers sync.WaitGroup
	for range 500 {
		readers.Go(func() {
			message, err := d.get(korean, at, draw)
			if err != nil || string(message) != "data: {\"texts\":{\"ok\":\"1\"}}\n\n" {
				t.Errorf("%q, %v", message, err)
			}
		})
	}
	readers.Wait()
	require.Equal(t, 1, draws)
	english := keyOf(page.View{Words: words.In(words.English)}, "runs", 0)
	for _, other := range []drawnKey{english, {"runs", 7, words.Korean, ""}, {"overview", 0, words.Korean, ""}} {
		_, err = d.get(other, at, draw)
		require.NoError(t, err)
	}
	require.Equal(t, 4, draws, "who sees something else has a drawing of their own")
	_, err = d.get(korean, at.Add(2*drawnFor), draw)
	require.NoError(t, err)
	require.Equal(t, 5, draws)
	require.Len(t, d.made, 1)
}
