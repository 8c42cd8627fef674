package demo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/internal/proc"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"
)

// The same seed kills the same in the same order, each of the five once in five blows; PostgreSQL only where it is
// ours.
func TestChaosPlan(t *testing.T) {
	t.Parallel()
	a, b, other := newChaos(7, 20), newChaos(7, 20), newChaos(8, 20)
	require.Equal(t, a.blows, b.blows)
	require.NotEqual(t, a.blows, other.blows)
	for i := 0; i < len(a.blows); i += int(victims) {
		seen := map[victim]bool{}
		for _, b := range a.blows[i : i+int(victims)] {
			seen[b.who] = true
		}
		require.Len(t, seen, int(victims))
	}
	a.services = services("api", "relay-1", "relay-2", "handler-1", "handler-2")
	require.Equal(t, []string{"relay-2"}, names(a.struckBy(blow{who: aRelay, which: 1})))
	require.Equal(t, []string{"handler-1"}, names(a.struckBy(blow{who: aHandler})))
	require.Equal(t, []string{"api"}, names(a.struckBy(blow{who: theAPI})))
	require.Len(t, a.struckBy(blow{who: thePostgres}), 5, "another's PostgreSQL is not killed")
	a.killed["api"], a.killed[postgresName], a.struck = 2, 1, 3
	require.Equal(t, "3 processes with kill -9, at 3 moments: api 2×, postgresql 1×", a.tally())
}

func services(names ...string) (list []*chaosService) {
	for _, name := range names {
		list = append(list, &chaosService{Program: proc.Program{Name: name}})
	}
	return list
}

// A process that ends though nobody killed it fails the demo, however well the events go.
func TestDemoWhereAProcessEndsByItself(t *testing.T) {
	t.Parallel()
	c := newChaos(1, 0)
	c.services = services("relay-1")
	c.services[0].Program = proc.Program{
		Name: "relay-1", Args: []string{"/bin/sh", "-c", "exit 3"},
		Log: filepath.Join(t.TempDir(), "log"),
	}
	require.NoError(t, begin(t.Context(), c.services))
	began := time.Now()
	err := c.during(t.Context(), newBar(io.Discard, terminal.Screen{}, 10, false, false), func(ctx context.Context) error {
		select {
		case <-ctx.Done(): // whoever watches is told to stop
			return errors.New("interrupted")
		case <-time.After(10 * time.Second):
			return nil
		}
	})
	require.ErrorContains(t, err, "relay-1 ended by itself")
	require.Less(t, time.Since(began), 5*time.Second)
	require.ErrorContains(t, c.ready(t.Context()), "relay-1 ended by itself")
}

// Lines stand above the bar, and nothing of the bar is left in them; the bar fits into any terminal.
func TestLinesAboveTheBar(t *testing.T) {
	t.Parallel()
	for width, bar := range map[int]string{
		40:  "  Granting    54 %  █████░░░░░",
		60:  "  Granting    54 %  █████░░░░░  3,000,000 of 5,500,000",
		80:  "  Granting    54 %  █████░░░░░  3,000,000 of 5,500,000, 1,500,000 a second",
		120: "  Granting    54 %  █████░░░░░  3,000,000 of 5,500,000, 1,500,000 a second, 2 s to go",
	} {
		synctest.Test(t, func(t *testing.T) { // a clock that moves only while all wait
			var drawn bytes.Buffer
			s := newBar(&drawn, terminal.Screen{Columns: width}, 5_500_000, true, true)
			s.draw(2_750_000)
			require.NotContains(t, drawn.String(), "a second", "there is no span yet to take a rate of")
			s.above(plain, "kill -9", "%s", "relay-1")
			<-time.After(2 * rateAfter)
			s.draw(3_000_000)
			require.Equal(t, []string{"      50 %  kill -9  relay-1", bar}, shown(drawn.String()))
			for _, row := range shown(drawn.String()) {
				require.Less(t, uniseg.StringWidth(row), width)
			}
			s.draw(5_500_000)
			require.Equal(t, "", shown(drawn.String())[1], "a bar that is full is taken away")
		})
	}

	var drawn bytes.Buffer
	s := newBar(&drawn, terminal.Screen{}, 100, false, true)
	s.draw(50)
	s.above(plain, "kill -9", "relay-1")
	require.Equal(t, "      50 %  kill -9  relay-1\n", drawn.String())
}

// Colours judge what happens to the service, and stand on a terminal that shows them only.
func TestLinesAboveTheBarHaveColours(t *testing.T) {
	t.Parallel()
	for _, colours := range []bool{false, true} {
		var out bytes.Buffer
		screen := terminal.Screen{Columns: 80, Colours: colours}
		s := newBar(&out, screen, 100, false, true)
		s.above(screen.Bad, "kill -9", "relay-1")
		s.above(screen.Good, "goes on", "")
		require.Equal(t, colours, strings.Contains(out.String(), "\x1b[31mkill -9\x1b[0m  relay-1\n"), out.String())
		require.Equal(t, colours, strings.Contains(out.String(), "\x1b[32mgoes on\x1b[0m\n"), out.String())
	}
}

// A person sees that something is at work, and nothing of it is left afterwards; a log has none of it.
func TestWorkingIsShown(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := &demo{out: &out, watched: true}
	d.working("comparing POINT (id 1)")()
	require.Contains(t, out.String(), "     comparing POINT (id 1) … 0 s")
	d.say("next")
	require.Equal(t, []string{"  next", ""}, shown(out.String()))

	out.Reset()
	d.watched = false
	d.working("comparing POINT (id 1)")()
	require.Empty(t, out.String())
}

// shown returns what a terminal shows of an output with carriage returns.
func shown(output string) (rows []string) {
	for _, line := range strings.Split(output, "\n") {
		var row []rune
		for _, part := range strings.Split(line, "\r") {
			over := []rune(part)
			row = append(over, row[min(len(over), len(row)):]...)
		}
		rows = append(rows, strings.TrimRight(string(row), " "))
	}
	return rows
}

// A process of the demo ends when the demo is gone, where the kernel does not see to it too.
func TestDemoProcessWithoutItsParent(t *testing.T) {
	t.Parallel()
	outlive(t.Context(), os.Getppid()+1) // returns at once
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outlive(ctx, os.Getppid())
}

// The secrets of a demo are closed, and one that a kill left empty is made anew.
func TestKeptSecrets(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "admin.key")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	first, err := keep(file, settings.NewAdminKey)
	require.NoError(t, err)
	require.NotEmpty(t, first)
	require.NoError(t, os.Chmod(file, 0o644))
	again, err := keep(file, settings.NewAdminKey)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, fs.FileMode(0o600), fileMode(t, file))
}

func fileMode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}
