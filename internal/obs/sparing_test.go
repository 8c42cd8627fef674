package obs

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Of many warnings of a text one is written in a minute, and the next says how many were not. What informs is written always.
func TestSparing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		handler := func(level slog.Level) *slog.Logger {
			return Sparing(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level})), time.Minute)
		}
		lines := func() (all []string) {
			for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
				_, said, _ := strings.Cut(line, " ") // without the time
				all = append(all, said)
			}
			out.Reset()
			return all
		}
		log := handler(slog.LevelInfo)
		log.Warn("away", "n", 1)
		log.With("queue", "jobs").Error("away", "n", 2)
		log.WithGroup("g").Error("away")
		log.Error("gone")
		log.Error("gone")
		log.Info("counts")
		require.Equal(t, []string{"level=WARN msg=away n=1", "level=ERROR msg=gone", "level=INFO msg=counts"}, lines(),
			"a text hides no other")
		time.Sleep(time.Minute) //nolint:forbidigo // of the bubble
		log.Error("away", "n", 3)
		require.Equal(t, []string{"level=ERROR msg=away n=3 left_out=2"}, lines())

		for n := range mostTexts {
			log.Warn(strconv.Itoa(n))
		}
		log.Error("one more")
		log.Error("and another")
		require.Len(t, lines(), mostTexts-2+1, "of many texts the last share a line")

		log = handler(slog.LevelDebug)
		log.Warn("away")
		log.Warn("away")
		require.Equal(t, []string{"level=WARN msg=away", "level=DEBUG msg=away"}, lines())
	})
}
