package demo

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// screen is a progress bar with rate and time to go, as wide as a terminal of 80 columns takes, and lines above it.
// Without a terminal there are only the lines.
type screen struct {
	mu      sync.Mutex
	out     io.Writer
	bar     *progressbar.ProgressBar
	watched bool
	at, max int
}

// screen shows a rate, and a time to go by it, where the work is steady and no process is killed meanwhile.
func (d *demo) screen(total int, steady bool) *screen {
	return newScreen(d.out, total, term.IsTerminal(int(os.Stdout.Fd())), steady && d.chaos == nil)
}

func newScreen(out io.Writer, total int, watched, steady bool) *screen {
	return &screen{out: out, max: total, watched: watched, bar: progressbar.NewOptions(total,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetVisibility(watched),
		progressbar.OptionSetDescription("  Granting "),
		progressbar.OptionShowCount(), progressbar.OptionSetItsString("members"), showRate(steady),
		progressbar.OptionSetPredictTime(steady), progressbar.OptionSetElapsedTime(false),
		progressbar.OptionThrottle(0), // above takes the bar away, and the next draw must bring it back
		progressbar.OptionSetWidth(10), progressbar.OptionClearOnFinish(),
	)}
}

func showRate(show bool) progressbar.Option {
	if show {
		return progressbar.OptionShowIts()
	}
	return func(*progressbar.ProgressBar) {}
}

// draw shows how many are settled. There is no bar before the first: it would tell a rate of 0.
func (s *screen) draw(settled int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = settled
	s.redraw()
}

func (s *screen) redraw() {
	if s.at > 0 {
		_ = s.bar.Set(s.at) // it draws, and drawing may fail
	}
}

// leave takes the bar away, so that what follows begins a line.
func (s *screen) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watched {
		_ = s.bar.Clear() // as it is drawn
		fmt.Fprintln(s.out)
	}
}

// drawn returns how many were settled at the last draw.
func (s *screen) drawn() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

// above writes a line above the bar, which says how much is done.
func (s *screen) above(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watched {
		_ = s.bar.Clear() // as it is drawn
	}
	fmt.Fprintf(s.out, "     %3d %%  %s\n", 100*s.at/s.max, fmt.Sprintf(format, args...))
	s.redraw()
}
