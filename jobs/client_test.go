package jobs

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"
)

// An idle process writes nothing: of River's records an operator sees the warnings, and in debug all.
func TestRiverLogsWarnings(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level]string{
		slog.LevelInfo:  "level=WARN msg=slow group.queue=jobs\n",
		slog.LevelDebug: "level=INFO msg=counts group.queue=jobs\nlevel=WARN msg=slow group.queue=jobs\n",
		slog.LevelError: "",
	} {
		t.Run(level.String(), func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
				Level: level,
				ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
					if a.Key == slog.TimeKey {
						return slog.Attr{}
					}
					return a
				},
			}))
			logger := config("p", river.NewWorkers(), Queues{}, log).Logger.WithGroup("group").With("queue", "jobs")
			logger.Info("counts")
			logger.Warn("slow")
			require.Equal(t, want, out.String())
		})
	}
}
