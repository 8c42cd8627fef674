package demo

import (
	"fmt"
	"time"

	"bestow/cmd/bestow/terminal"
)

// What the demo's lines are wide: as the terminal is, but not wider than is read well. A pipe gets those of a terminal
// as it opens.
const (
	plainColumns  = 80
	widestColumns = 100
)

// columns returns the width that the demo's lines stay below.
func columns(s terminal.Screen) int {
	if width := s.Width(); width > 0 {
		return min(width, widestColumns)
	}
	return plainColumns
}

// fold breaks a text, for lines that begin at a column.
func (d *demo) fold(indent int, format string, args ...any) string {
	return terminal.Fold(fmt.Sprintf(format, args...), indent, columns(d.screen))
}

// say writes a paragraph.
func (d *demo) say(format string, args ...any) { fmt.Fprintln(d.out, "  "+d.fold(2, format, args...)) }

// stepIndent is the column at which the text of a step begins.
const stepIndent = 17

// step writes what a step of the demo came to.
func (d *demo) step(number, what, format string, args ...any) {
	head := d.screen.Heading(fmt.Sprintf("%-3s%-12s", number, what))
	fmt.Fprintln(d.out, "  "+head+d.fold(stepIndent, format, args...))
}

// aside writes what a server of the demo is, or waits for.
func (d *demo) aside(what, format string, args ...any) {
	fmt.Fprintln(d.out, "  "+d.screen.Aside(fmt.Sprintf("%-12s", what)+d.fold(14, format, args...)))
}

// slowAfter is the time after which the demo says what it waits for.
const slowAfter = 2 * time.Second

// ifSlow says what a server is waited for, if the function that it returns is not called soon.
func (d *demo) ifSlow(what, text string) (end func()) {
	said := make(chan struct{})
	timer := time.AfterFunc(slowAfter, func() {
		d.aside(what, "%s", text)
		close(said)
	})
	return func() {
		if !timer.Stop() {
			<-said
		}
	}
}
