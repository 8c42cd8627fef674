package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/internal/english"

	"github.com/rivo/uniseg"
)

// bar is a progress bar with rate and time to go, and lines above it. Without a terminal there are only the lines.
type bar struct {
	mu      sync.Mutex
	line    overwritten
	watched bool
	steady  bool // a rate says something
	began   time.Time
	at, max int
}

// rateAfter is the shortest time over which a rate is shown.
const rateAfter = time.Second

// newBar shows a rate, and a time to go by it, where the work is steady and no process is killed meanwhile.
func (d *demo) newBar(total int, steady bool) *bar {
	return newBar(d.out, d.screen, total, d.watched, steady && d.chaos == nil)
}

func newBar(out io.Writer, screen terminal.Screen, total int, watched, steady bool) *bar {
	return &bar{
		line: overwritten{out: out, screen: screen}, max: total, watched: watched, steady: steady,
		began: time.Now(),
	}
}

// draw shows how many are settled. There is no bar before the first: it would tell a rate of 0.
func (b *bar) draw(settled int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = settled
	b.redraw()
}

func (b *bar) redraw() {
	switch {
	case !b.watched || b.at == 0:
	case b.at >= b.max:
		b.line.clear()
	default:
		b.line.write(b.parts()...)
	}
}

// blocks is the number of columns that a bar takes.
const blocks = 10

// parts returns what the bar shows, the most important first.
func (b *bar) parts() []string {
	filled := blocks * b.at / b.max
	parts := []string{
		fmt.Sprintf("  Granting   %3d %%  %s", 100*b.at/b.max,
			strings.Repeat("█", filled)+strings.Repeat("░", blocks-filled)),
		fmt.Sprintf("  %s of %s", english.Number(b.at), english.Number(b.max)),
	}
	if took := time.Since(b.began); b.steady && took >= rateAfter {
		rate := float64(b.at) / took.Seconds()
		parts = append(parts, fmt.Sprintf(", %s a second", english.Number(int(rate))),
			fmt.Sprintf(", %d s to go", int(float64(b.max-b.at)/rate)+1))
	}
	return parts
}

// leave takes the bar away, so that what follows begins a line.
func (b *bar) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watched {
		b.line.clear()
		fmt.Fprintln(b.line.out)
	}
}

// drawn returns how many were settled at the last draw.
func (b *bar) drawn() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

// aboveIndent is the column at which a text above the bar begins.
const aboveIndent = 21

// above writes a line above the bar: how much is done, what happens, and a text about it, which may be empty.
func (b *bar) above(mark func(string) string, what, format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.line.clear()
	line := fmt.Sprintf("     %3d %%  %s", 100*b.at/b.max, mark(what))
	if text := fmt.Sprintf(format, args...); text != "" {
		line += strings.Repeat(" ", max(1, aboveIndent-len("      50 %  ")-len(what)))
		line += terminal.Fold(text, aboveIndent, columns(b.line.screen))
	}
	fmt.Fprintln(b.line.out, line)
	b.redraw()
}

// plain is the mark of what is neither good nor bad.
func plain(text string) string { return text }

// overwritten is a line of a terminal that is written again and again.
type overwritten struct {
	out    io.Writer
	screen terminal.Screen
	width  int // of what stands there
}

// write shows parts of a line, as many of the first ones as fit.
func (o *overwritten) write(parts ...string) {
	line, width := "", columns(o.screen)
	for _, part := range parts {
		if line != "" && uniseg.StringWidth(line+part) >= width {
			break
		}
		line += part
	}
	line = terminal.Fit(line, width)
	now := uniseg.StringWidth(line)
	fmt.Fprint(o.out, "\r", line, strings.Repeat(" ", max(0, o.width-now)))
	o.width = now
}

// clear leaves an empty line.
func (o *overwritten) clear() {
	if o.width > 0 {
		fmt.Fprint(o.out, "\r", strings.Repeat(" ", o.width), "\r")
		o.width = 0
	}
}

// working shows on a terminal what is at work, and for how many seconds, until the function that it returns is called.
func (d *demo) working(what string) (end func()) {
	if !d.watched {
		return func() {}
	}
	began, ended := time.Now(), make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		line := overwritten{out: d.out, screen: d.screen}
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			line.write(fmt.Sprintf("     %s … %d s", what, int(time.Since(began).Seconds())))
			select {
			case <-ended:
				line.clear()
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
