package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"
)

// An idle process writes nothing: of River's records an operator sees the warnings, and in debug all.
func TestRiverLogsWarnings(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level]string{
		slog.LevelInfo:  "level=WARN msg=slow group.queue=jobs\n",
		slog.LevelDebug: "level=DEBUG msg=counts group.queue=jobs\nlevel=WARN msg=slow group.queue=jobs\n",
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
			logger := ClientConfig{ID: "p", Workers: river.NewWorkers(), Log: log}.river().Logger.WithGroup("group").With("queue", "jobs")
			logger.Info("counts")
			logger.Warn("slow")
			require.Equal(t, want, out.String())
		})
	}
}

// An operator sees each panic with its stack, whatever failed before it, and each job that failed but of the database.
func TestFailuresAreLogged(t *testing.T) {
	t.Parallel()
	job := &rivertype.JobRow{ID: 7, Kind: "verify", Attempt: 1}
	for name, c := range map[string]struct {
		err   error
		shown bool
	}{
		"a fault":           {errors.New("broken"), true},
		"its time is over":  {fmt.Errorf("read: %w", context.DeadlineExceeded), true},
		"the network":       {&net.OpError{Op: "dial", Err: errors.New("refused")}, true},
		"a statement's end": {&pgconn.PgError{Code: "57014"}, true},
		"a lock":            {&pgconn.PgError{Code: "55P03"}, true},
		"the server ends":   {&pgconn.PgError{Code: "57P01"}, false},
		"too many sessions": {&pgconn.PgError{Code: "53300"}, false},
		"no connection":     {&pgconn.ConnectError{Config: &pgconn.Config{}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			client := ClientConfig{ID: "p", Workers: river.NewWorkers(), Log: slog.New(slog.NewTextHandler(&out, nil))}
			handler := client.river().ErrorHandler
			for range 2 {
				handler.HandleError(t.Context(), job, c.err)
			}
			require.Equal(t, c.shown, strings.Count(out.String(), "a job failed") == 1, out.String())
			for range 2 {
				handler.HandlePanic(t.Context(), job, "nil map", "stack of it")
			}
			require.Equal(t, 2, strings.Count(out.String(), "level=ERROR msg=\"a job panicked"), out.String())
			require.Contains(t, out.String(), "stack of it")
		})
	}
}

// Whose role may not build River's indexes anew does not try, and River logs no error every midnight.
func TestNoReindex(t *testing.T) {
	t.Parallel()
	c := ClientConfig{ID: "p", Workers: river.NewWorkers(), Log: slog.New(slog.DiscardHandler)}
	require.Nil(t, c.river().ReindexerIndexNames, "River's own list")
	c.NoReindex = true
	require.Equal(t, []string{}, c.river().ReindexerIndexNames)
}

// A client that could not work is none.
func TestClientConfigIsWhole(t *testing.T) {
	t.Parallel()
	whole := ClientConfig{ID: "p", Pool: new(pgxpool.Pool), Workers: river.NewWorkers()}
	require.NoError(t, whole.Validate())
	for name, take := range map[string]func(*ClientConfig){
		"id":      func(c *ClientConfig) { c.ID = "" },
		"pool":    func(c *ClientConfig) { c.Pool = nil },
		"workers": func(c *ClientConfig) { c.Workers = nil },
	} {
		c := whole
		take(&c)
		_, err := NewClient(c)
		require.ErrorContains(t, err, "a River client needs", name)
	}
}
