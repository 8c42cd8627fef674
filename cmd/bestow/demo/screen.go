package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/rivo/uniseg"
	"github.com/schollz/progressbar/v3"
)

// screen is a progress bar with rate and time to go, as wide as a terminal of 80 columns takes, and lines above it.
// Without a terminal there are only the lines.
type screen struct {
	mu      sync.Mutex
	out     io.Writer
	bar     *progressbar.ProgressBar
	watched bool
	steady  bool // a rate says something
	began   time.Time
	at, max int
}

// rateAfter is the time that a rate is taken of at least.
const rateAfter = time.Second

// screen shows a rate, and a time to go by it, where the work is steady and no process is killed meanwhile.
func (d *demo) screen(total int, steady bool) *screen {
	return newScreen(d.out, total, d.watched, steady && d.chaos == nil)
}

func newScreen(out io.Writer, total int, watched, steady bool) *screen {
	bar := progressbar.NewOptions(total,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetVisibility(watched),
		progressbar.OptionSetDescription("  Granting "),
		progressbar.OptionShowCount(), progressbar.OptionSetItsString("members"),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
		progressbar.OptionThrottle(0), // above takes the bar away, and the next draw must bring it back
		progressbar.OptionSetWidth(10), progressbar.OptionClearOnFinish(),
	)
	bar.Reset() // its time begins now, and not at the first draw
	return &screen{out: out, max: total, watched: watched, steady: steady, began: time.Now(), bar: bar}
}

// draw shows how many are settled. There is no bar before the first: it would tell a rate of 0.
func (s *screen) draw(settled int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = settled
	s.redraw()
}

func (s *screen) redraw() {
	if s.steady && time.Since(s.began) >= rateAfter {
		progressbar.OptionShowIts()(s.bar)
		progressbar.OptionSetPredictTime(true)(s.bar)
	}
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

// working shows on a terminal what is at work, and for how many seconds, until the function that it returns is called.
func (d *demo) working(what string) (end func()) {
	if !d.watched {
		return func() {}
	}
	began, ended := time.Now(), make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			line := fmt.Sprintf("     %s … %d s", what, int(time.Since(began).Seconds()))
			fmt.Fprint(d.out, "\r", line)
			select {
			case <-ended:
				fmt.Fprint(d.out, "\r", strings.Repeat(" ", uniseg.StringWidth(line)), "\r")
				return
			case <-tick.C:
			}
		}
	})
	return func() {
		close(ended)
		shown.Wait()
	}
}

// slowAfter is the time after which the demo says what it waits for.
const slowAfter = 2 * time.Second

// ifSlow says a line if the function that it returns is not called soon.
func (d *demo) ifSlow(line string) (end func()) {
	said := make(chan struct{})
	timer := time.AfterFunc(slowAfter, func() {
		d.say("%s", line)
		close(said)
	})
	return func() {
		if !timer.Stop() {
			<-said
		}
	}
}
